//! Settings of `[auth]`.

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::environment::SecretRef;

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
        }
    }
}
