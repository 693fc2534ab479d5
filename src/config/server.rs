//! Settings of `[server]`. They live here because the doors that use them stand above the config.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The listener and its limits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port to listen on. A change needs a restart.
    pub listen: String,
    /// How long open streams may go on after a stop was asked for.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain: Duration,
    /// Until a request's headers are complete. A change needs a restart.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub header_timeout: Duration,
    /// Until a request's body is complete.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub body_timeout: Duration,
    /// Largest request body, in bytes. Images travel as base64, a third larger than they are.
    pub max_body: usize,
    /// How often a comment line keeps a silent stream alive.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub keep_alive: Duration,
    /// Origins of web pages that may call (`https://chat.example.org`, or `*` for any). None: no page may.
    pub cors_origins: Vec<String>,
    /// Whether answers and errors tell how they came about: `x-gemini-adapter-attempts`, `-model` and `-key` (its id). A stream that
    /// was silent for longer than `keep_alive` has begun before that is known, and tells nothing.
    pub why_headers: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: "0.0.0.0:8000".into(),
            drain: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            max_body: 128 * 1024 * 1024,
            keep_alive: Duration::from_secs(15),
            cors_origins: Vec::new(),
            why_headers: false,
        }
    }
}
