//! Settings of `[auth]`, `[[clients]]` and `[rate_limit]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::environment::SecretRef;
use crate::problem::{Problem, Problems};

/// Who may call.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Whether a key is asked for.
    pub mode: Mode,
    /// Keys for `/v1`, `/stats` and `/metrics`. Each a secret, or a table
    /// `{ key = "…", name = "…", fidelity = "strict" }`.
    pub client_keys: Vec<ClientKeySettings>,
    /// Keys for `/admin`. None: the admin endpoints are off.
    pub admin_keys: Vec<SecretRef>,
    /// Further keys for `/metrics` alone.
    pub metrics_keys: Vec<SecretRef>,
    /// What happens when a request asks for something Gemini does not have.
    pub fidelity: Fidelity,
    /// Addresses that may call, as `203.0.113.7` or `10.0.0.0/8`. Left out: all.
    pub allow: Vec<String>,
    /// Addresses that may not, whatever `allow` says.
    pub deny: Vec<String>,
    /// Proxies whose `x-forwarded-for` is believed. Of anybody else's, the address of the connection counts.
    pub trusted_proxies: Vec<String>,
    /// How addresses are held off that show wrong keys.
    pub blocking: BlockingSettings,
}

/// What happens when a request asks for something Gemini does not have, so that the answer may be another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// It is left out.
    #[default]
    Lenient,
    /// It is left out, and the header `x-gemini-adapter-losses` of the answer names it.
    Warn,
    /// The request is refused, before any quota is spent.
    Strict,
}

/// A client's key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientKeySettings {
    /// The key, or several behind one reference.
    pub key: SecretRef,
    /// What the client is called in logs and plugins. Left out: a name made from a digest of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What happens when a request asks for something Gemini does not have. Left out: as `auth.fidelity` says.
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
    /// The key, or several behind one reference.
    key: SecretRef,
    /// What the client is called in logs and plugins. Left out: a name made from a digest of the key.
    #[serde(default)]
    name: Option<String>,
    /// What happens when a request asks for something Gemini does not have. Left out: as `auth.fidelity` says.
    #[serde(default)]
    fidelity: Option<Fidelity>,
}

/// Written by hand: serde's untagged enums lose the place and the reason of a mistake.
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

/// Whether a key is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every client shows a key.
    #[default]
    Keys,
    /// No client key is asked for. Only with a loopback `server.listen`.
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
    /// What it is called in logs, plugins and counts.
    pub name: String,
    /// Its key: the text itself, `env:NAME` or `file:PATH`; or only the digest of it, `sha256:` and 64 hex digits, which `gemini-adapter clients
    /// new` and `clients digest` make.
    pub key: SecretRef,
    /// Globs of the models it may use, by the name it asks for or by Google's. Left out: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// The plugins that concern it, by name. Left out: all. None: `[]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<String>>,
    /// What happens when a request asks for something Gemini does not have. Left out: as `auth.fidelity` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// Addresses it may call from: `203.0.113.7`, `10.0.0.0/8`. Left out: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Requests in a minute. Left out: as `[rate_limit]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens in a minute, of prompts and answers. They are known when an answer is complete, so the limit may be passed by what is in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests in one of Google's days, which begin at midnight Pacific time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpd: Option<u64>,
    /// Requests at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
    /// Tokens in a month, of prompts and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_tokens: Option<u64>,
    /// Money in a month, in US dollars, by the prices that are built in and in `models.prices`. Models without a price are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_usd: Option<f64>,
}

/// Requests of each client, where its own `rpm` says nothing else.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitSettings {
    /// Whether there is such a limit.
    pub enabled: bool,
    /// How many requests.
    pub requests: u64,
    /// In which time.
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
    /// Checks the ranges.
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

/// Addresses that wrong keys come from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BlockingSettings {
    /// Whether they are held off.
    pub enabled: bool,
    /// How many wrong keys an address may show within `duration`.
    pub failures: u32,
    /// How long an address is held off then: every request of it is a 429, whatever its key.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub duration: Duration,
}

impl Default for BlockingSettings {
    fn default() -> Self {
        Self { enabled: true, failures: 20, duration: Duration::from_secs(60) }
    }
}
