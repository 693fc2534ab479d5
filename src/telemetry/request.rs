//! The record of one request, filled in along its way and told once, at its end: even when the client leaves in the middle,
//! because then the record is dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Telemetry, afterwards};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer was given in full.
    Answered,
    /// An error was given: its status.
    Failed(u16),
    /// A stream ended in an error after it had begun.
    BrokenStream,
    /// The client left.
    Cancelled,
}

/// How a request went, as its log line says it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ended {
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
    pub first_token_ms: Option<u64>,
    /// Until the end.
    pub duration_ms: u64,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
}

impl Ended {
    /// Writes the log line, with what others have to say of the request.
    pub(super) fn log(&self, tags: Option<&Map<String, Value>>) {
        let tags = tags.filter(|tags| !tags.is_empty()).map(|tags| Value::Object(tags.clone()).to_string());
        tracing::info!(
            target: "gemini_adapter::access",
            request_id = self.request_id, api = self.api, stream = self.stream, client = self.client, asked = self.asked,
            model = self.model, pool = self.pool, key = self.key, attempts = self.attempts, status = self.status,
            first_token_ms = self.first_token_ms, duration_ms = self.duration_ms, prompt_tokens = self.prompt_tokens,
            completion_tokens = self.completion_tokens, tags, "request"
        );
    }
}

/// Who has something to say of a request once it is over. Asked off its way, by a thread of its own.
pub trait Tags: Send + Sync + std::fmt::Debug {
    /// What the log line is to bear.
    fn tags(&self, ended: &Ended) -> Map<String, Value>;
}

/// One request.
#[derive(Debug)]
pub struct RequestRecord {
    telemetry: Telemetry,
    started: Instant,
    told: bool,
    /// Whether it is of a part of a request, and told with the whole.
    part: bool,
    /// The request's id.
    pub id: String,
    /// Which dialect.
    pub api: &'static str,
    /// Whether it is streamed.
    pub stream: bool,
    /// Who asks.
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
    /// When the first content was there.
    pub first_token: Option<Duration>,
    /// Tokens of the prompt and of the answer.
    pub tokens: (u64, u64),
    /// Who has something to say of it in the end.
    pub tags: Option<Arc<dyn Tags>>,
}

impl RequestRecord {
    pub(super) fn begin(telemetry: Telemetry, id: &str, api: &'static str) -> Self {
        ::metrics::gauge!("gemini_adapter_inflight_requests").increment(1.0);
        Self {
            telemetry,
            started: Instant::now(),
            told: false,
            part: false,
            id: id.to_owned(),
            api,
            stream: false,
            client: String::new(),
            asked: String::new(),
            model: String::new(),
            pool: String::new(),
            key: String::new(),
            attempts: 0,
            first_token: None,
            tokens: (0, 0),
            tags: None,
        }
    }

    /// A record of a part of the request, to be [taken in](Self::take_in) when it is done.
    pub fn part(&self) -> Self {
        Self {
            telemetry: self.telemetry.clone(),
            started: self.started,
            told: true,
            part: true,
            id: self.id.clone(),
            api: self.api,
            stream: false,
            client: self.client.clone(),
            asked: self.asked.clone(),
            model: String::new(),
            pool: self.pool.clone(),
            key: String::new(),
            attempts: 0,
            first_token: None,
            tokens: (0, 0),
            tags: None,
        }
    }

    /// What became of a part.
    pub fn take_in(&mut self, part: &Self) {
        self.model.clone_from(&part.model);
        self.key.clone_from(&part.key);
        self.attempts += part.attempts;
        self.tokens = (self.tokens.0 + part.tokens.0, self.tokens.1 + part.tokens.1);
    }

    /// The first content is there.
    pub fn first_token(&mut self) {
        let started = self.started;
        self.first_token.get_or_insert_with(|| started.elapsed());
    }

    /// Tells how it ended; the first telling counts.
    pub fn tell(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let elapsed = self.started.elapsed();
        let status = match outcome {
            Outcome::Answered => 200,
            Outcome::Failed(status) => status,
            // What the access logs of other proxies show for these.
            Outcome::BrokenStream => 502,
            Outcome::Cancelled => 499,
        };
        self.telemetry.tally.request(status, elapsed);
        self.count(status, elapsed);
        let ended = self.ended(status, elapsed);
        match self.tags.take() {
            None => ended.log(None),
            Some(tags) => afterwards::tell(ended, tags),
        }
    }

    fn ended(&self, status: u16, elapsed: Duration) -> Ended {
        let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Ended {
            request_id: self.id.clone(),
            api: self.api,
            stream: self.stream,
            client: self.client.clone(),
            asked: self.asked.clone(),
            model: self.model.clone(),
            pool: self.pool.clone(),
            key: self.key.clone(),
            attempts: self.attempts,
            status,
            first_token_ms: self.first_token.map(milliseconds),
            duration_ms: milliseconds(elapsed),
            prompt_tokens: self.tokens.0,
            completion_tokens: self.tokens.1,
        }
    }

    fn count(&self, status: u16, elapsed: Duration) {
        let model = self.telemetry.labels.label(&self.model);
        ::metrics::counter!(
            "gemini_adapter_requests", "api" => self.api, "model" => model.clone(), "code" => status.to_string()
        )
        .increment(1);
        ::metrics::histogram!("gemini_adapter_request_duration_seconds", "api" => self.api, "model" => model.clone())
            .record(elapsed.as_secs_f64());
        if let Some(first) = self.first_token {
            ::metrics::histogram!("gemini_adapter_time_to_first_token_seconds", "api" => self.api, "model" => model.clone())
                .record(first.as_secs_f64());
        }
        for (kind, tokens) in [("prompt", self.tokens.0), ("completion", self.tokens.1)] {
            if tokens > 0 {
                ::metrics::counter!("gemini_adapter_tokens", "model" => model.clone(), "type" => kind)
                    .increment(tokens);
            }
        }
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        if self.part {
            return;
        }
        self.tell(Outcome::Cancelled);
        ::metrics::gauge!("gemini_adapter_inflight_requests").decrement(1.0);
    }
}
