//! The record of one request. It is filled in while the request is processed and reported once, at the end; if the
//! client disconnects, when the record is dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;

use super::journal::{Arrived, Facts, Rest, Trace};
use super::spans::TraceParent;
use super::summary::{Costs, RequestSummary, Tags};
use super::tally::FinishedRequest;
use super::{Telemetry, log_hook};
use crate::error::Error;
use crate::fault::Fault;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer was sent in full.
    Answered,
    /// An error was sent, with this status.
    Failed(u16),
    /// The stream failed after it had begun.
    BrokenStream,
    /// The client disconnected.
    Cancelled,
}

/// The record of one request.
#[derive(Debug)]
pub struct RequestRecord {
    telemetry: Telemetry,
    /// The request's entry in the journal.
    trace: Arc<Trace>,
    /// Index of the latest attempt in the trace.
    attempt: usize,
    /// Whether bodies are recorded.
    keeps_bodies: bool,
    started: Instant,
    told: bool,
    /// The trace context of the request, if traces are exported.
    came: Option<TraceParent>,
    /// Whether this is the record of a part of a split request, which is reported with the whole.
    part: bool,
    /// The request id.
    pub id: String,
    /// The protocol.
    pub api: &'static str,
    /// Whether the answer is streamed.
    stream: bool,
    /// When the last piece of the stream arrived. `longest_gap` is the longest pause before one.
    piece: Option<Instant>,
    longest_gap: Option<Duration>,
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
    /// Time to the first content.
    pub first_token: Option<Duration>,
    /// Tokens of prompt and answer.
    pub tokens: (u64, u64),
    /// The cache result.
    pub cache: Option<&'static str>,
    /// Provides the tags that plugins add to the log line.
    pub tags: Option<Arc<dyn Tags>>,
    /// Provides the time that plugins spent on the request.
    pub costs: Option<Arc<dyn Costs>>,
}

impl RequestRecord {
    pub(super) fn begin(telemetry: Telemetry, id: &str, api: &'static str) -> Self {
        telemetry.series.inflight(false).increment(1.0);
        let trace = telemetry.journal.begin(id, api);
        Self::new(telemetry, trace, id, api)
    }

    fn new(telemetry: Telemetry, trace: Arc<Trace>, id: &str, api: &'static str) -> Self {
        Self {
            telemetry,
            attempt: 0,
            keeps_bodies: trace.keeps_bodies(),
            trace,
            started: Instant::now(),
            told: false,
            came: None,
            part: false,
            id: id.to_owned(),
            api,
            stream: false,
            piece: None,
            longest_gap: None,
            client: String::new(),
            asked: String::new(),
            model: String::new(),
            pool: String::new(),
            key: String::new(),
            attempts: 0,
            first_token: None,
            tokens: (0, 0),
            cache: None,
            tags: None,
            costs: None,
        }
    }

    /// Records the path and the trace context from the headers.
    pub fn came(&mut self, path: &'static str, headers: &HeaderMap) {
        self.came = self.telemetry.spans.came(path, headers);
    }

    /// A record for one part of the request, to be [merged](Self::take_in) when the part is done.
    pub fn part(&self) -> Self {
        let mut part = Self::new(self.telemetry.clone(), self.trace.clone(), &self.id, self.api);
        (part.part, part.told, part.started) = (true, true, self.started);
        part.client.clone_from(&self.client);
        part.asked.clone_from(&self.asked);
        part.pool.clone_from(&self.pool);
        part
    }

    /// Merges the record of a part.
    pub fn take_in(&mut self, part: &Self) {
        self.model.clone_from(&part.model);
        self.key.clone_from(&part.key);
        self.attempts += part.attempts;
        self.cache = part.cache;
        self.tokens = (self.tokens.0 + part.tokens.0, self.tokens.1 + part.tokens.1);
    }

    /// The whole request has arrived. `how` describes it and is called only if bodies are recorded.
    pub fn arrived(&self, body: &Bytes, how: impl FnOnce() -> Arrived) {
        self.trace.arrived(&self.client);
        if self.keeps_bodies {
            self.trace.came(how(), body);
        }
    }

    /// The request has been read: the model as named by the client, and whether the answer is to be streamed.
    pub fn read(&mut self, asked: &str, stream: bool) {
        asked.clone_into(&mut self.asked);
        if stream != self.stream && !self.part {
            self.telemetry.series.inflight(self.stream).decrement(1.0);
            self.telemetry.series.inflight(stream).increment(1.0);
        }
        self.stream = stream;
    }

    /// An attempt starts on this key.
    pub fn attempted(&mut self, model: &str, key: String) {
        self.attempts += 1;
        model.clone_into(&mut self.model);
        self.key = key;
        let (asked, pool, key) = (&self.asked, &self.pool, &self.key);
        self.attempt = self.trace.attempted(&Facts { asked, stream: self.stream, model, pool, key });
    }

    /// The body sent to Google in this attempt.
    pub fn sent(&self, method: &'static str, body: &Bytes) {
        if self.keeps_bodies {
            self.trace.sent(self.attempt, &self.model, method, body);
        }
    }

    /// A whole answer from Google.
    pub fn received(&self, body: &Bytes) {
        if self.keeps_bodies {
            self.trace.received(self.attempt, false, body);
        }
    }

    /// An event of a stream from Google, and when it arrived.
    pub fn received_event(&mut self, at: Instant, event: &Bytes) {
        let gap = self.piece.replace(at).map(|last| at.duration_since(last));
        self.longest_gap = self.longest_gap.max(gap);
        if self.keeps_bodies {
            self.trace.received(self.attempt, true, event);
        }
    }

    /// The attempt was answered.
    pub fn attempt_succeeded(&self) {
        self.trace.succeeded(self.attempt);
        self.telemetry.attempt_succeeded(&self.pool, &self.model);
    }

    /// The attempt failed. `rest` is the cooldown it led to, if any.
    pub fn attempt_failed(&self, fault: &Fault, rest: Option<Rest>) {
        let rests = rest.is_some();
        self.trace.failed(self.attempt, fault, rest);
        if rests {
            self.telemetry.rests(&self.pool, fault);
        }
        self.telemetry.attempt_failed(&self.id, &self.pool, &self.key, &self.model, fault);
    }

    /// The client receives this error instead of an answer.
    pub fn refused(&self, error: &Error) {
        self.trace.refused(error);
    }

    /// The first content is about to be sent.
    pub fn first_token(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.started.elapsed());
            self.trace.first_token();
        }
    }

    /// Part of a stream is sent.
    pub fn wrote(&self, bytes: usize) {
        self.trace.wrote(bytes);
    }

    /// Reports how the request ended. Only the first call counts.
    pub fn finish(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let elapsed = self.started.elapsed();
        let status = match outcome {
            Outcome::Answered => 200,
            Outcome::Failed(status) => status,
            // The statuses that other proxies log in these cases.
            Outcome::BrokenStream => 502,
            Outcome::Cancelled => 499,
        };
        self.count(status, elapsed);
        let ended = self.ended(status, elapsed);
        match self.tags.take() {
            None => ended.log(None),
            Some(tags) => log_hook::enqueue(ended.clone(), tags),
        }
        let costs = self.costs.take().map(|costs| costs.costs()).unwrap_or_default();
        self.trace.ended(ended, costs);
        self.telemetry.journal.end(&self.trace);
        if let Some(came) = self.came.take() {
            self.telemetry.spans.export(&came, &self.trace.seen());
        }
    }

    fn ended(&self, status: u16, elapsed: Duration) -> RequestSummary {
        let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        RequestSummary {
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
            cache: self.cache,
        }
    }

    fn count(&self, status: u16, elapsed: Duration) {
        let Telemetry { labels, series, .. } = &self.telemetry;
        let model = labels.label(&self.model);
        let over = FinishedRequest {
            status,
            client: &self.client,
            model,
            elapsed,
            first_token: self.first_token,
            tokens: self.tokens,
        };
        self.telemetry.tally.request(&over);
        self.telemetry.timeline.beat(&over);
        let requests = series.of_requests(self.api, model);
        requests.code(status).increment(1);
        requests.duration.record(elapsed.as_secs_f64());
        if let Some(first) = self.first_token {
            requests.first_token.record(first.as_secs_f64());
        }
        if let Some(gap) = self.longest_gap {
            requests.stream_gap.record(gap.as_secs_f64());
        }
        for (kind, tokens) in [("prompt", self.tokens.0), ("completion", self.tokens.1)] {
            if tokens > 0 {
                series.tokens(kind, model).increment(tokens);
            }
        }
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        if self.part {
            return;
        }
        self.finish(Outcome::Cancelled);
        self.telemetry.series.inflight(self.stream).decrement(1.0);
    }
}
