//! Settings of `[server]`. They live here because the doors that use them stand above the config.

use std::path::PathBuf;
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
    /// How long a client may take nothing of its answer before its connection is closed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub write_timeout: Duration,
    /// Connections at once. Those beyond are turned away with a 503. However many these are, they are never more than half of the files
    /// that the process may have open, because a request may need a connection to Google too.
    pub max_connections: usize,
    /// Largest request body, in bytes. Images travel as base64, a third larger than they are.
    pub max_body: usize,
    /// Bodies of all requests together, in bytes. A request beyond is told to come back later.
    pub max_bodies: usize,
    /// How often a comment line keeps a silent stream alive.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub keep_alive: Duration,
    /// Origins of web pages that may call (`https://chat.example.org`, or `*` for any). None: no page may.
    pub cors_origins: Vec<String>,
    /// Whether answers and errors tell how they came about: `x-gemini-adapter-attempts`, `-model` and `-key` (its id). A stream that
    /// was silent for longer than `keep_alive` has begun before that is known, and tells nothing.
    pub why_headers: bool,
    /// HTTPS instead of HTTP: `cert` and `key`. Left out: HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
}

/// HTTPS on the listener, for HTTP/2 and HTTP/1.1, with TLS 1.2 and newer. Files that are renewed are taken without a restart, for
/// connections that come from then on; to begin with HTTPS or to end it needs one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// A file with the certificate, and those between it and its root, as PEM: `fullchain.pem`.
    pub cert: PathBuf,
    /// A file with its private key, as PEM and without a password. Nobody else should be able to read it.
    pub key: PathBuf,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: "0.0.0.0:8000".into(),
            drain: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            max_connections: 16_384,
            max_body: 128 * 1024 * 1024,
            max_bodies: 512 * 1024 * 1024,
            keep_alive: Duration::from_secs(15),
            cors_origins: Vec::new(),
            why_headers: false,
            tls: None,
        }
    }
}
