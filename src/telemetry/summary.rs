//! How a request went, once it is over: its log line, and what others have to say of it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::logs;

/// What filters of `log.level` know the lines of requests by.
const ACCESS: &str = "gemini_adapter::access";

/// How a request went, as its log line says it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RequestSummary {
    /// The request's id.
    pub request_id: String,
    /// Which dialect.
    pub api: &'static str,
    /// Whether it was streamed.
    pub stream: bool,
    /// Who asked.
    pub client: String,
    /// The model, as the client named it.
    pub asked: String,
    /// The model that answered.
    pub model: String,
    /// The pool that served it.
    pub pool: String,
    /// The key that served it: its id.
    pub key: String,
    /// How many attempts it took.
    pub attempts: u32,
    /// HTTP status; 499 when the client left, 502 when a stream broke.
    pub status: u16,
    /// Until the first content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Until the end.
    pub duration_ms: u64,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// What kept answers had to do with it, where any are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<&'static str>,
}

impl RequestSummary {
    /// Writes the log line, with what others have to say of the request.
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

/// The line of a request, as the subscriber would write it.
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

/// Who has something to say of a request once it is over. Asked off its way, by a thread of its own.
pub trait Tags: Send + Sync + std::fmt::Debug {
    /// What the log line is to bear.
    fn tags(&self, ended: &RequestSummary) -> Map<String, Value>;
}

/// What a hook of a plugin has cost a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginCost {
    /// Which plugin.
    pub plugin: String,
    /// Which hook.
    pub hook: &'static str,
    /// How often it was called.
    pub calls: u64,
    /// How long it took in all, in milliseconds.
    pub spent_ms: f64,
}

/// Who knows what plugins have cost a request.
pub trait Costs: Send + Sync + std::fmt::Debug {
    /// By plugin and hook.
    fn costs(&self) -> Vec<PluginCost>;
}
