//! Settings of `[upstream]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::SecretRef;

/// The way to Google.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamSettings {
    /// Where the Gemini API is: scheme and host, without `/v1beta`.
    pub base_url: String,
    /// The whole call, all attempts together.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Until a connection stands.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// Until an attempt's response headers. Thinking models may take minutes.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub first_byte_timeout: Duration,
    /// Between two pieces of a stream.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle_timeout: Duration,
    /// How many attempts one request gets on a model, the first included, when Gemini is overloaded or fails. Keys that refuse because
    /// of their quota or themselves are passed over, each project once, and do not count.
    pub attempts: u32,
    /// How long a request waits for keys that rest, when the first comes back within this time and half of what is left of
    /// `timeout`. `"0s"`: not at all.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub wait: Duration,
    /// How many requests may wait so at once. Those beyond are told at once to come back later.
    pub waiting: usize,
    /// Whether whole answers to a `json_schema` request are checked against the client's schema. One that does not match counts as
    /// broken, and is asked for again. Streams are not checked: what has been shown cannot be taken back.
    pub check_json: bool,
    /// A proxy for all upstream traffic: `http://`, `https://` or `socks5://`, with user and password if need be. Left out:
    /// `HTTPS_PROXY` and its kin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<SecretRef>,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            base_url: "https://generativelanguage.googleapis.com".into(),
            timeout: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(180),
            idle_timeout: Duration::from_secs(120),
            attempts: 4,
            wait: Duration::from_secs(2),
            waiting: 256,
            check_json: false,
            proxy: None,
        }
    }
}
