//! Settings of `[media]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Files that requests name by URL.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MediaSettings {
    /// Whether they are fetched at all. This server then makes requests that its clients choose: only `https`, only to public
    /// addresses, without credentials. A firewall that lets it out to nowhere else is a good second wall.
    pub remote: bool,
    /// Largest file, in bytes.
    pub max_bytes: usize,
    /// Until a file is there.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Most files of one request.
    pub per_request: usize,
    /// Hosts of the operator's own whose addresses need not be public, and that may speak plain `http`: `images.internal`,
    /// `10.0.0.7:8080`. Without a port: any.
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
