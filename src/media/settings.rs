//! Settings of `[media]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Files that requests refer to by URL.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MediaSettings {
    /// Whether such files are fetched at all. If so, this server makes requests that its clients choose: only `https`,
    /// only to public addresses, without credentials. A firewall that permits no other outgoing traffic is a good
    /// second line of defence.
    pub remote: bool,
    /// Maximum size of a file, in bytes.
    pub max_bytes: usize,
    /// Time limit for fetching a file.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Maximum number of files per request.
    pub per_request: usize,
    /// The operator's own hosts, whose addresses need not be public, and which may be reached over plain `http`:
    /// `images.internal`, `10.0.0.7:8080`. Without a port: any port.
    pub trusted_hosts: Vec<String>,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            remote: false,
            max_bytes: 10 * 1024 * 1024,
            timeout: Duration::from_secs(10),
            per_request: 8,
            trusted_hosts: Vec::new(),
        }
    }
}
