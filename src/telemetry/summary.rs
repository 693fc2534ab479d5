//! The summary of a finished request: its log line, and the tags that plugins add to it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::logs;

/// The target by which filters in `log.level` select request lines.
const ACCESS: &str = "gemini_adapter::access";

/// The summary of a request, as logged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RequestSummary {
    /// The request id.
    pub request_id: String,
    /// The protocol.
    pub api: &'static str,
    /// Whether it was streamed.
    pub stream: bool,
    /// The client's name.
    pub client: String,
    /// The model, as named by the client.
    pub asked: String,
    /// The model that answered.
    pub model: String,
    /// The pool that served it.
    pub pool: String,
    /// The id of the key that served it.
    pub key: String,
    /// The number of attempts.
    pub attempts: u32,
    /// HTTP status; 499 when the client disconnected, 502 when a stream failed.
    pub status: u16,
    /// Time to the first content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Time to the end of the answer.
    pub duration_ms: u64,
    /// Tokens in the prompt.
    pub prompt_tokens: u64,
    /// Tokens in the answer.
    pub completion_tokens: u64,
    /// The cache result, if the cache is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<&'static str>,
}

impl RequestSummary {
    /// Writes the log line, with the tags added by plugins.
    pub(super) fn log(&self, tags: Option<&Map<String, Value>>) {
        if !tracing::enabled!(target: ACCESS, tracing::Level::INFO) {
            return;
        }
        let tags = tags.filter(|tags| !tags.is_empty()).map(|tags| Value::Object(tags.clone()).to_string());
        if logs::are_json() {
            return logs::write(&Line::of(self, tags));
        }
        tracing::info!(
            target: ACCESS,
            request_id = self.request_id, api = self.api, stream = self.stream, client = self.client, asked = self.asked,
            model = self.model, pool = self.pool, key = self.key, attempts = self.attempts, status = self.status,
            first_token_ms = self.first_token_ms, duration_ms = self.duration_ms, prompt_tokens = self.prompt_tokens,
            completion_tokens = self.completion_tokens, cache = self.cache, tags, "request"
        );
    }
}

/// A request's line, in the format the subscriber would write.
#[derive(Serialize)]
struct Line<'e> {
    timestamp: String,
    level: &'static str,
    message: &'static str,
    #[serde(flatten)]
    ended: &'e RequestSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    target: &'static str,
}

impl<'e> Line<'e> {
    fn of(ended: &'e RequestSummary, tags: Option<String>) -> Self {
        let timestamp = format!("{:.6}", jiff::Timestamp::now());
        Self { timestamp, level: "INFO", message: "request", ended, tags, target: ACCESS }
    }
}

/// Provides tags for the log line of a finished request. Called on a separate thread, off the request path.
pub trait Tags: Send + Sync + std::fmt::Debug {
    /// The tags for the log line.
    fn tags(&self, ended: &RequestSummary) -> Map<String, Value>;
}

/// The time that one hook of a plugin spent on a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginCost {
    /// The plugin.
    pub plugin: String,
    /// The hook.
    pub hook: &'static str,
    /// The number of calls.
    pub calls: u64,
    /// The total time, in milliseconds.
    pub spent_ms: f64,
}

/// Provides the time that plugins spent on a request.
pub trait Costs: Send + Sync + std::fmt::Debug {
    /// The costs by plugin and hook.
    fn costs(&self) -> Vec<PluginCost>;
}
