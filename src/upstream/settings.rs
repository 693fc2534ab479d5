//! Settings of `[upstream]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::SecretRef;

/// The connection to Google.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamSettings {
    /// Base URL of the Gemini API: scheme and host, without `/v1beta`.
    pub base_url: String,
    /// Time limit for a request, all attempts together.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Time limit for establishing a connection.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// Time limit for the response headers of one attempt. Thinking models may take minutes.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub first_byte_timeout: Duration,
    /// Longest silence allowed within an answer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub idle_timeout: Duration,
    /// Number of attempts per request and model, including the first, when Gemini is overloaded or fails. Keys that
    /// reject the request because of their quota or because they are invalid are skipped, once per project, and do not
    /// count.
    pub attempts: u32,
    /// How long a request waits for keys that are cooling down. It waits only if the first key becomes available within
    /// this time and within half of what remains of `timeout`. `"0s"` disables waiting.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub wait: Duration,
    /// How many requests may wait for a key at the same time. Requests beyond the limit are rejected immediately and
    /// told when to retry.
    pub waiting: usize,
    /// Whether complete answers to a `json_schema` request are checked against the client's schema. One that does not
    /// match counts as broken and is requested again. Streams are not checked, because content that has been sent
    /// cannot be taken back.
    pub check_json: bool,
    /// Proxy for all upstream traffic: `http://`, `https://` or `socks5://`, with user and password if required. If
    /// omitted, `HTTPS_PROXY` and the related environment variables apply.
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
