//! Settings of `[auth]`, `[[clients]]` and `[rate_limit]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::environment::SecretRef;
use crate::problem::{Problem, Problems};

/// Who may call, and with which keys.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Whether clients need a key.
    pub mode: Mode,
    /// Keys for `/v1`, `/stats` and `/metrics`. Each is a secret, or a table `{ key = "…", name = "…", fidelity =
    /// "strict" }`.
    pub client_keys: Vec<ClientKeySettings>,
    /// Keys for `/admin`. Empty: the admin endpoints are disabled.
    pub admin_keys: Vec<SecretRef>,
    /// Additional keys that are valid for `/metrics` only.
    pub metrics_keys: Vec<SecretRef>,
    /// How to treat a request that asks for something Gemini does not have.
    pub fidelity: Fidelity,
    /// Addresses that may call, such as `203.0.113.7` or `10.0.0.0/8`. Left out: all.
    pub allow: Vec<String>,
    /// Addresses that must not call; takes precedence over `allow`.
    pub deny: Vec<String>,
    /// Proxies whose `x-forwarded-for` header is trusted. For all other peers, the address of the connection counts.
    pub trusted_proxies: Vec<String>,
    /// How addresses that present wrong keys are blocked.
    pub blocking: BlockingSettings,
}

/// How to treat a request that asks for something Gemini does not have, so that the answer may differ from what was
/// requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// The unsupported part is left out.
    #[default]
    Lenient,
    /// The unsupported part is left out, and the response header `x-gemini-adapter-losses` names it.
    Warn,
    /// The request is rejected before any quota is spent.
    Strict,
}

/// A client's key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientKeySettings {
    /// The key, or several keys behind one reference.
    pub key: SecretRef,
    /// The client's name in logs and plugins. Left out: a name derived from a digest of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How to treat a request that asks for something Gemini does not have. Left out: as set in `auth.fidelity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
}

impl From<SecretRef> for ClientKeySettings {
    fn from(key: SecretRef) -> Self {
        Self { key, name: None, fidelity: None }
    }
}

/// The table form of a client's key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClientKeyTable {
    /// The key, or several keys behind one reference.
    key: SecretRef,
    /// The client's name in logs and plugins. Left out: a name derived from a digest of the key.
    #[serde(default)]
    name: Option<String>,
    /// How to treat a request that asks for something Gemini does not have. Left out: as set in `auth.fidelity`.
    #[serde(default)]
    fidelity: Option<Fidelity>,
}

/// Implemented by hand because serde's untagged enums lose the location and the cause of an error.
impl<'de> Deserialize<'de> for ClientKeySettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = ClientKeySettings;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a secret or a table with `key`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ClientKeySettings, E> {
                Ok(SecretRef::parse(text).into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClientKeySettings, A::Error> {
                let ClientKeyTable { key, name, fidelity } =
                    ClientKeyTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ClientKeySettings { key, name, fidelity })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for ClientKeySettings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClientKey".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let secret = generator.subschema_for::<SecretRef>();
        let table = generator.subschema_for::<ClientKeyTable>();
        schemars::json_schema!({ "anyOf": [secret, table] })
    }
}

/// Whether clients need a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every client must present a key.
    #[default]
    Keys,
    /// No client key is required. Allowed only with a loopback address in `server.listen`.
    Open,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Keys,
            client_keys: vec![SecretRef::Env("SECURITY_ADAPTER_API_KEYS".into()).into()],
            admin_keys: vec![SecretRef::Env("SECURITY_ADMIN_API_KEYS".into())],
            metrics_keys: Vec::new(),
            fidelity: Fidelity::Lenient,
            allow: Vec::new(),
            deny: Vec::new(),
            trusted_proxies: Vec::new(),
            blocking: BlockingSettings::default(),
        }
    }
}

/// A client: who may call, and what it may use.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// Its name in logs, plugins and statistics.
    pub name: String,
    /// Its key: the text itself, `env:NAME` or `file:PATH`; or only its digest, `sha256:` followed by 64 hex digits, as
    /// printed by `gemini-adapter clients new` and `gemini-adapter clients digest`.
    pub key: SecretRef,
    /// Globs of the models it may use, matched against the name it requests and Google's name. Left out: all models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// The plugins that apply to it, by name. Left out: all. `[]`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<String>>,
    /// How to treat a request that asks for something Gemini does not have. Left out: as set in `auth.fidelity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// Addresses it may call from, such as `203.0.113.7` or `10.0.0.0/8`. Left out: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Requests per minute. Left out: as set in `[rate_limit]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens per minute, of prompts and answers. Usage is known only when an answer is complete, so requests in flight
    /// may exceed the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests per Google day, which begins at midnight Pacific time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpd: Option<u64>,
    /// Concurrent requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
    /// Tokens per month, of prompts and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_tokens: Option<u64>,
    /// Cost per month in US dollars, by the built-in prices and `models.prices`. Requests for models without a price
    /// are rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_usd: Option<f64>,
}

/// Request limit of each client that does not set its own `rpm`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitSettings {
    /// Whether this limit applies.
    pub enabled: bool,
    /// Number of requests allowed per `window`.
    pub requests: u64,
    /// Length of the window.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub window: Duration,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self { enabled: false, requests: 100, window: Duration::from_secs(60) }
    }
}

impl RateLimitSettings {
    /// Validates the ranges.
    pub fn check(&self, problems: &mut Problems) {
        if self.requests == 0 {
            let hint = "to have no limit, write `enabled = false`";
            problems.push(Problem::error("must be at least 1").at("rate_limit.requests").hint(hint));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(24 * 3600)).contains(&self.window) {
            problems.push(Problem::error("must be between 1s and 1day").at("rate_limit.window"));
        }
    }
}

/// Blocking of addresses that present wrong keys.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BlockingSettings {
    /// Whether such addresses are blocked.
    pub enabled: bool,
    /// How many wrong keys within `duration` block an address.
    pub failures: u32,
    /// How long an address stays blocked. Every request from it is rejected with status 429, whatever its key.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub duration: Duration,
}

impl Default for BlockingSettings {
    fn default() -> Self {
        Self { enabled: true, failures: 20, duration: Duration::from_secs(60) }
    }
}
