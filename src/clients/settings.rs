//! Settings of `[auth]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::SecretRef;

/// Who may call.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Whether a key is asked for.
    pub mode: Mode,
    /// Keys for `/v1`, `/stats` and `/metrics`.
    pub client_keys: Vec<SecretRef>,
    /// Keys for `/admin`. None: the admin endpoints are off.
    pub admin_keys: Vec<SecretRef>,
    /// Further keys for `/metrics` alone.
    pub metrics_keys: Vec<SecretRef>,
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
            client_keys: vec![SecretRef::Env("SECURITY_ADAPTER_API_KEYS".into())],
            admin_keys: vec![SecretRef::Env("SECURITY_ADMIN_API_KEYS".into())],
            metrics_keys: Vec::new(),
        }
    }
}
