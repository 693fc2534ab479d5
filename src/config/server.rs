//! The `[server]` settings. They are defined here because the HTTP layer that uses them is above `config`.

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
    /// How long open streams may continue after a stop was requested.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub drain: Duration,
    /// Time limit for receiving the complete headers of a request, and for a connection without requests. A change needs
    /// a restart.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub header_timeout: Duration,
    /// Time limit for receiving the complete body of a request.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub body_timeout: Duration,
    /// How long a client may read nothing of its answer before its connection is closed; over HTTP/2, its stream.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub write_timeout: Duration,
    /// Maximum number of concurrent connections; those beyond it are rejected with 503. The effective limit is at
    /// most half of the files that the process may have open, because a request may also need a connection to Google.
    pub max_connections: usize,
    /// Largest request body, in bytes. Images are sent as base64, which makes them a third larger.
    pub max_body: usize,
    /// Total size of all request bodies in memory, in bytes. Requests beyond it are rejected and can be retried
    /// later.
    pub max_bodies: usize,
    /// How often a comment line is sent to keep a silent stream alive.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub keep_alive: Duration,
    /// Origins of web pages that are allowed to call (`https://chat.example.org`, or `*` for any). An empty list
    /// allows none.
    pub cors_origins: Vec<String>,
    /// Whether answers and errors include headers that explain how they came about: `x-gemini-adapter-attempts`,
    /// `-model` and `-key` (the key's id). A stream that was silent for longer than `keep_alive` has started before
    /// these are known, and has none of them.
    pub why_headers: bool,
    /// HTTPS instead of HTTP: `cert` and `key`. If omitted, HTTP is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
}

/// HTTPS on the listener, for HTTP/2 and HTTP/1.1, with TLS 1.2 and newer. Renewed files are loaded without a restart
/// and apply to new connections; enabling or disabling HTTPS needs a restart.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// A PEM file with the certificate and the intermediate certificates up to its root: `fullchain.pem`.
    pub cert: PathBuf,
    /// A PEM file with the private key, without a password. Nobody else should be able to read it.
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
