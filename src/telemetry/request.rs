//! The record of one request, filled in along its way and told once, at its end: even when the client leaves in the middle,
//! because then the record is dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;

use super::journal::{Arrived, Facts, Rest, Trace};
use super::spans::Came;
use super::summary::{Costs, RequestSummary, Tags};
use super::tally::Over;
use super::{Telemetry, log_hook};
use crate::error::Error;
use crate::fault::Fault;

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

/// One request.
#[derive(Debug)]
pub struct RequestRecord {
    telemetry: Telemetry,
    /// What the journal shows of it.
    trace: Arc<Trace>,
    /// The place of its latest attempt in the trace.
    attempt: usize,
    /// Whether what is said is kept.
    keeps_bodies: bool,
    started: Instant,
    told: bool,
    /// How it came, where traces are sent.
    came: Option<Came>,
    /// Whether it is of a part of a request, and told with the whole.
    part: bool,
    /// The request's id.
    pub id: String,
    /// Which dialect.
    pub api: &'static str,
    /// Whether it is streamed.
    stream: bool,
    /// When the last piece of a stream came, and the longest pause before one.
    piece: Option<Instant>,
    longest_gap: Option<Duration>,
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
    /// What kept answers had to do with it.
    pub cache: Option<&'static str>,
    /// Who has something to say of it in the end.
    pub tags: Option<Arc<dyn Tags>>,
    /// Who knows what plugins have cost it.
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

    /// It came to this path, with these headers.
    pub fn came(&mut self, path: &'static str, headers: &HeaderMap) {
        self.came = self.telemetry.spans.came(path, headers);
    }

    /// A record of a part of the request, to be [taken in](Self::take_in) when it is done.
    pub fn part(&self) -> Self {
        let mut part = Self::new(self.telemetry.clone(), self.trace.clone(), &self.id, self.api);
        (part.part, part.told, part.started) = (true, true, self.started);
        part.client.clone_from(&self.client);
        part.asked.clone_from(&self.asked);
        part.pool.clone_from(&self.pool);
        part
    }

    /// What became of a part.
    pub fn take_in(&mut self, part: &Self) {
        self.model.clone_from(&part.model);
        self.key.clone_from(&part.key);
        self.attempts += part.attempts;
        self.cache = part.cache;
        self.tokens = (self.tokens.0 + part.tokens.0, self.tokens.1 + part.tokens.1);
    }

    /// All of the request is here. `how` says how it came, where that is kept.
    pub fn arrived(&self, body: &Bytes, how: impl FnOnce() -> Arrived) {
        self.trace.arrived(&self.client);
        if self.keeps_bodies {
            self.trace.came(how(), body);
        }
    }

    /// It is read: the model, as the client named it, and whether the answer is to be a stream.
    pub fn read(&mut self, asked: &str, stream: bool) {
        asked.clone_into(&mut self.asked);
        if stream != self.stream && !self.part {
            self.telemetry.series.inflight(self.stream).decrement(1.0);
            self.telemetry.series.inflight(stream).increment(1.0);
        }
        self.stream = stream;
    }

    /// An attempt begins, on this key.
    pub fn attempted(&mut self, model: &str, key: String) {
        self.attempts += 1;
        model.clone_into(&mut self.model);
        self.key = key;
        let (asked, pool, key) = (&self.asked, &self.pool, &self.key);
        self.attempt = self.trace.attempted(&Facts { asked, stream: self.stream, model, pool, key });
    }

    /// What goes to Google in this attempt.
    pub fn sent(&self, method: &'static str, body: &Bytes) {
        if self.keeps_bodies {
            self.trace.sent(self.attempt, &self.model, method, body);
        }
    }

    /// What came from Google: a whole answer.
    pub fn received(&self, body: &Bytes) {
        if self.keeps_bodies {
            self.trace.received(self.attempt, false, body);
        }
    }

    /// What came from Google at this moment: an event of a stream.
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

    /// The attempt has failed, and something rests for it.
    pub fn attempt_failed(&self, fault: &Fault, rest: Option<Rest>) {
        let rests = rest.is_some();
        self.trace.failed(self.attempt, fault, rest);
        if rests {
            self.telemetry.rests(&self.pool, fault);
        }
        self.telemetry.attempt_failed(&self.id, &self.pool, &self.key, &self.model, fault);
    }

    /// The client is told this instead of an answer.
    pub fn refused(&self, error: &Error) {
        self.trace.refused(error);
    }

    /// The first content is there.
    pub fn first_token(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.started.elapsed());
            self.trace.first_token();
        }
    }

    /// A piece of a stream goes out.
    pub fn wrote(&self, bytes: usize) {
        self.trace.wrote(bytes);
    }

    /// Tells how it ended; the first telling counts.
    pub fn finish(&mut self, outcome: Outcome) {
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
        self.count(status, elapsed);
        let ended = self.ended(status, elapsed);
        let costs = self.costs.take().map(|costs| costs.costs()).unwrap_or_default();
        self.trace.ended(&ended, costs);
        self.telemetry.journal.end(&self.trace);
        if let Some(came) = self.came.take() {
            self.telemetry.spans.export(&came, &self.trace.seen());
        }
        match self.tags.take() {
            None => ended.log(None),
            Some(tags) => log_hook::enqueue(ended, tags),
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
        let over =
            Over { status, client: &self.client, model, elapsed, first_token: self.first_token, tokens: self.tokens };
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
