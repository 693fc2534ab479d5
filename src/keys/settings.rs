//! Settings of `[pools.NAME]` and `[cooldown]`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::glob::Glob;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::key::{Key, KeyId};
use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems};
use crate::secret::{Secret, is_placeholder};

/// A pool: keys that serve the same models, and how one is chosen.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSettings {
    /// The keys. Each is a secret (`"env:GEMINI_API_KEYS"` expands to all keys in that variable) or a table
    /// `{ key = "…", name = "…", project = "…", weight = 2, models = ["gemini-2.5-*"], proxy = "socks5://…" }`.
    pub keys: Vec<KeySettings>,
    /// How the next key is chosen among the keys that are ready.
    pub selection: Selection,
    /// Whether the requests of one conversation (same client, model and first messages) go to the same key while that
    /// key is ready, so that Gemini can find the beginning of the conversation in its cache.
    pub affinity: bool,
    /// Usage limits of each key per model. A key's own `limits` take precedence, limit by limit.
    #[serde(skip_serializing_if = "LimitsSettings::is_none")]
    pub limits: LimitsSettings,
    /// Overrides of `[cooldown]` for this pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<CooldownOverride>,
}

/// One entry of a pool's `keys`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeySettings {
    /// The API key itself.
    pub key: SecretRef,
    /// A display name, shown in addition to the key's id, never instead of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The Google project the key belongs to. Keys of one project share its quota and cool down together when it is
    /// exhausted. Left out: the key is assumed to have a project of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Share of the traffic, relative to the other keys. At least 1.
    pub weight: u32,
    /// Globs of the models this key may serve. Left out: all models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Globs of the models this key must not serve; takes precedence over `models`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Usage limits per model, enforced before Google would reject a request. A limit left out is taken from the pool's
    /// `limits`.
    #[serde(skip_serializing_if = "LimitsSettings::is_none")]
    pub limits: LimitsSettings,
    /// A proxy for this key's traffic, instead of `upstream.proxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<SecretRef>,
}

/// Usage limits per model, for one key or for all keys of a project together. Where a limit is left out, an exhausted
/// quota is noticed only when Google rejects a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSettings {
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Prompt tokens per minute. Usage is known only when an answer is complete, so requests in flight may exceed the
    /// limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests per Google day, which begins at midnight Pacific time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpd: Option<u64>,
}

impl LimitsSettings {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// These limits, with unset ones taken from the pool.
    fn or(self, pool: Self) -> Self {
        Self { rpm: self.rpm.or(pool.rpm), tpm: self.tpm.or(pool.tpm), rpd: self.rpd.or(pool.rpd) }
    }

    fn check(self, place: &str, problems: &mut Problems) {
        for (field, limit) in [("rpm", self.rpm), ("tpm", self.tpm), ("rpd", self.rpd)] {
            if limit == Some(0) {
                let hint = "leave it out for no limit; `deny` excludes a model";
                problems.push(Problem::error("must be at least 1").at(format!("{place}.{field}")).hint(hint));
            }
        }
    }
}

/// How the next key is chosen among the keys that are ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The key with the fewest requests in flight, in proportion to `weight`; on a tie, the one unused the longest.
    #[default]
    LeastUsed,
    /// Each key in turn.
    RoundRobin,
    /// A random key, in proportion to `weight`.
    Weighted,
}

/// How long a key cools down after a failure for which Google names no time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CooldownSettings {
    /// The first cooldown. It doubles with each further failure in a row.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub base: Duration,
    /// The longest cooldown. It does not limit the cooldown after an exhausted daily quota, which lasts until midnight
    /// Pacific time, when Google resets the quota.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub max: Duration,
    /// How many failures in a row, without a time named by Google, start a cooldown. At least 1.
    pub failures: u32,
    /// How long after Google rejected a key with status 401 it is tried once more. Left out: the key stays out of use
    /// until an operator resets it, like keys that Google reports as invalid, leaked or suspended.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub revive: Option<Duration>,
}

/// A pool's overrides of `[cooldown]`. Fields left out are taken from there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CooldownOverride {
    /// See `[cooldown] base`.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub base: Option<Duration>,
    /// See `[cooldown] max`.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub max: Option<Duration>,
    /// See `[cooldown] failures`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// See `[cooldown] revive`.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub revive: Option<Duration>,
}

impl Default for CooldownSettings {
    fn default() -> Self {
        Self { base: Duration::from_secs(5), max: Duration::from_secs(600), failures: 1, revive: None }
    }
}

impl CooldownSettings {
    /// These settings, with the fields set in `own` taking precedence.
    pub fn with(&self, own: Option<&CooldownOverride>) -> Self {
        let own = own.cloned().unwrap_or_default();
        Self {
            base: own.base.unwrap_or(self.base),
            max: own.max.unwrap_or(self.max),
            failures: own.failures.unwrap_or(self.failures),
            revive: own.revive.or(self.revive),
        }
    }

    /// Validates the durations. Reports problems only if `own`: a pool without its own cooldown uses `[cooldown]`,
    /// which is checked once.
    pub fn check(&self, place: &str, own: bool, problems: &mut Problems) {
        let mut refuse = |field: &str, message: &str| {
            if own {
                problems.push(Problem::error(message).at(format!("{place}.{field}")));
            }
        };
        if self.base.is_zero() {
            refuse("base", "must be longer than 0s");
        }
        if self.max < self.base {
            refuse("max", "must not be shorter than `base`");
        }
        if self.failures == 0 {
            refuse("failures", "must be at least 1");
        }
        if self.revive.is_some_and(|revive| revive < Duration::from_secs(60)) {
            refuse("revive", "must be at least a minute");
        }
    }
}

impl PoolSettings {
    /// The keys of the pool `name` that have their own proxy: the key, the proxy, and the path of the setting.
    pub fn own_proxies(&self, name: &str) -> impl Iterator<Item = (&SecretRef, &SecretRef, String)> {
        let proxied = self.keys.iter().enumerate();
        proxied.filter_map(move |(index, key)| {
            Some((&key.key, key.proxy.as_ref()?, format!("pools.{name}.keys[{index}].proxy")))
        })
    }

    /// Resolves and validates the keys. Returns None if there is no usable key.
    pub(super) fn resolve(&self, place: &str, environment: &Environment, problems: &mut Problems) -> Option<Vec<Key>> {
        let mut keys: Vec<Key> = Vec::new();
        let mut known = HashSet::new();
        self.limits.check(&format!("{place}.limits"), problems);
        for (index, settings) in self.keys.iter().enumerate() {
            let place = format!("{place}.keys[{index}]");
            settings.check(&place, problems);
            let secrets = match settings.key.resolve(environment) {
                Ok(secrets) => secrets,
                Err(message) => {
                    problems.push(Problem::error(message).at(&place));
                    continue;
                }
            };
            if secrets.is_empty() {
                problems.push(unset(&settings.key, &place));
            }
            for secret in secrets {
                let id = KeyId::of(&secret);
                if is_placeholder(secret.expose()) {
                    let message = format!("a placeholder was left in place of a key ({})", settings.key.masked());
                    problems.push(
                        Problem::error(message).at(&place).hint("put a key from aistudio.google.com/apikey there"),
                    );
                } else if known.insert(id.clone()) {
                    keys.push(settings.key(secret, self.limits));
                } else {
                    let message = format!("the key {id} is configured twice; it counts once");
                    problems.push(Problem::warning(message).at(&place));
                }
            }
        }
        if self.keys.is_empty() {
            let hint = "write `keys = [\"env:GEMINI_API_KEYS\"]` and set that variable";
            problems.push(Problem::error("has no keys").at(format!("{place}.keys")).hint(hint));
        }
        join_groups(&mut keys);
        (!keys.is_empty()).then_some(keys)
    }
}

/// Gives each key the ids of all keys in its quota group.
fn join_groups(keys: &mut [Key]) {
    let mut groups: HashMap<Arc<str>, Vec<KeyId>> = HashMap::new();
    for key in &*keys {
        groups.entry(key.group.clone()).or_default().push(key.id.clone());
    }
    let groups: HashMap<Arc<str>, Arc<[KeyId]>> = groups.into_iter().map(|(name, ids)| (name, ids.into())).collect();
    for key in keys {
        if let Some(ids) = groups.get(&key.group) {
            key.group_keys = ids.clone();
        }
    }
}

fn unset(key: &SecretRef, place: &str) -> Problem {
    let message = format!("`{}` holds no key", key.masked());
    let hint = match key {
        SecretRef::Env(name) => format!("set {name} to one or more Gemini keys, in the environment or in `.env`"),
        _ => "put a Gemini key there".to_owned(),
    };
    Problem::error(message).at(place).hint(hint)
}

impl KeySettings {
    fn check(&self, place: &str, problems: &mut Problems) {
        if self.weight == 0 {
            problems.push(Problem::error("must be at least 1").at(format!("{place}.weight")));
        }
        self.limits.check(&format!("{place}.limits"), problems);
    }

    fn key(&self, secret: Secret, limits: LimitsSettings) -> Key {
        let id = KeyId::of(&secret);
        let group = self.project.as_ref().map_or_else(|| format!("key {id}"), |project| format!("project {project}"));
        Key {
            id,
            secret,
            name: self.name.clone(),
            project: self.project.clone(),
            group: group.into(),
            weight: self.weight.max(1),
            models: globs(&self.models),
            deny: globs(&self.deny),
            limits: self.limits.or(limits),
            group_keys: Arc::default(),
        }
    }
}

fn globs(texts: &[String]) -> Vec<Glob> {
    texts.iter().map(|glob| Glob::new(glob)).collect()
}

impl From<SecretRef> for KeySettings {
    fn from(key: SecretRef) -> Self {
        Self {
            key,
            name: None,
            project: None,
            weight: 1,
            models: Vec::new(),
            deny: Vec::new(),
            limits: LimitsSettings::default(),
            proxy: None,
        }
    }
}

/// The table form of a key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyTable {
    /// The API key itself.
    key: SecretRef,
    /// A display name, shown in addition to the key's id, never instead of it.
    #[serde(default)]
    name: Option<String>,
    /// The Google project the key belongs to. Keys of one project share its quota and cool down together when it is
    /// exhausted. Left out: the key is assumed to have a project of its own.
    #[serde(default)]
    project: Option<String>,
    /// Share of the traffic, relative to the other keys. At least 1.
    #[serde(default = "one")]
    weight: u32,
    /// Globs of the models this key may serve. Left out: all models.
    #[serde(default)]
    models: Vec<String>,
    /// Globs of the models this key must not serve; takes precedence over `models`.
    #[serde(default)]
    deny: Vec<String>,
    /// Usage limits per model, enforced before Google would reject a request. A limit left out is taken from the pool's
    /// `limits`.
    #[serde(default)]
    limits: LimitsSettings,
    /// A proxy for this key's traffic, instead of `upstream.proxy`.
    #[serde(default)]
    proxy: Option<SecretRef>,
}

fn one() -> u32 {
    1
}

/// Implemented by hand because serde's untagged enums lose the location and the cause of an error.
impl<'de> Deserialize<'de> for KeySettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = KeySettings;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a secret or a table with `key`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<KeySettings, E> {
                Ok(SecretRef::parse(text).into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeySettings, A::Error> {
                let KeyTable { key, name, project, weight, models, deny, limits, proxy } =
                    KeyTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(KeySettings { key, name, project, weight, models, deny, limits, proxy })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for KeySettings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Key".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let secret = generator.subschema_for::<SecretRef>();
        let table = generator.subschema_for::<KeyTable>();
        schemars::json_schema!({ "anyOf": [secret, table] })
    }
}
