//! One request: its phase, attempts and times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::bodies::{Arrived, Bodies};
use crate::error::Error;
use crate::fault::Fault;
use crate::telemetry::{PluginCost, RequestSummary};

/// Maximum number of attempts listed. A request split into many parts may have more; those are only counted.
const MOST_ATTEMPTS: usize = 64;

/// One request.
#[derive(Debug)]
pub struct Trace {
    /// Sequence number since the process started.
    pub number: u64,
    /// The request id.
    pub id: String,
    began: Instant,
    at: Timestamp,
    written: AtomicU64,
    pieces: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    facts: RequestSummary,
    arrived: Option<Duration>,
    attempts: Vec<Tried>,
    plugins: Vec<PluginCost>,
    error: Option<Refusal>,
    /// How long the request took, once it is over.
    took: Option<Duration>,
    bodies: Option<Box<Bodies>>,
}

/// One attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tried {
    /// The model.
    pub model: String,
    /// The key's id.
    pub key: String,
    /// Start, in milliseconds after the request arrived.
    pub began_ms: f64,
    /// When its outcome was known: first content, whole answer, or failure. Relative to the request's arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<f64>,
    /// `ok`, or the kind of fault; none while in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The status Google answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The quota that Google named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_id: Option<String>,
    /// Google's error message, if bodies are recorded: it may quote the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The cooldown that followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

/// A cooldown caused by a failure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rest {
    /// What is cooling down: `key`, `quota` (the key's project, for this model) or `model`.
    pub of: &'static str,
    /// Duration in seconds; none if it lasts until an operator or a new configuration ends it.
    pub seconds: Option<f64>,
}

/// The error sent to the client, without its message, which may quote the request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// OpenAI's `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// OpenAI's `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A request, for display.
#[derive(Clone, Debug, Serialize)]
pub struct RequestView {
    /// Sequence number since the process started.
    pub number: u64,
    /// When it arrived, RFC 3339.
    pub at: String,
    /// `accepted`, `attempt`, `retrying`, `answering`, `streaming` or `done`.
    pub phase: &'static str,
    /// The summary so far. The status is 0 while the request is in flight.
    #[serde(flatten)]
    pub facts: RequestSummary,
    /// When the whole request had arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived_ms: Option<f64>,
    /// When it was over, on the clock of its attempts and as fine as theirs: whole milliseconds would put the end of a
    /// short request before that of its attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<f64>,
    /// Bytes of a stream sent to the client.
    pub written: u64,
    /// Number of writes.
    pub pieces: u64,
    /// The attempts.
    pub tries: Vec<Tried>,
    /// The time spent in plugins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginCost>,
    /// The error sent to the client instead of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
    /// Whether `GET /admin/capsule/{id}` is available.
    pub capsule: bool,
}

impl Trace {
    pub(super) fn begin(number: u64, id: &str, api: &'static str, keeps_bodies: bool) -> Self {
        let facts = RequestSummary { request_id: id.to_owned(), api, ..RequestSummary::default() };
        let state = State { facts, bodies: keeps_bodies.then(Box::default), ..State::default() };
        let (written, pieces) = Default::default();
        let (began, at) = (Instant::now(), Timestamp::now());
        Self { number, id: id.to_owned(), began, at, written, pieces, state: Mutex::new(state) }
    }

    /// Whether bodies are recorded.
    pub fn keeps_bodies(&self) -> bool {
        self.state().bodies.is_some()
    }

    pub(super) fn forget_bodies(&self) -> bool {
        self.state().bodies.take().is_some()
    }

    /// The recorded bodies, if any.
    pub fn bodies(&self) -> Option<Bodies> {
        self.state().bodies.as_deref().cloned()
    }

    /// The whole request has arrived.
    pub(in crate::telemetry) fn arrived(&self, client: &str) {
        let mut state = self.state();
        client.clone_into(&mut state.facts.client);
        state.arrived.get_or_insert_with(|| self.began.elapsed());
    }

    pub(in crate::telemetry) fn came(&self, arrived: Arrived, body: &Bytes) {
        if let Some(bodies) = &mut self.state().bodies {
            bodies.came(arrived, body);
        }
    }

    /// An attempt starts. Returns its index.
    pub(in crate::telemetry) fn attempted(&self, facts: &Facts<'_>) -> usize {
        let began_ms = ms(self.began.elapsed());
        let mut state = self.state();
        facts.clone_into(&mut state.facts);
        state.facts.attempts += 1;
        let place = state.attempts.len();
        if place < MOST_ATTEMPTS {
            let (model, key) = (facts.model.to_owned(), facts.key.to_owned());
            // Most requests need one, and it is large.
            state.attempts.reserve_exact(1);
            state.attempts.push(Tried { model, key, began_ms, ..Tried::default() });
        }
        place
    }

    pub(in crate::telemetry) fn sent(&self, attempt: usize, model: &str, method: &'static str, body: &Bytes) {
        if let Some(bodies) = &mut self.state().bodies {
            bodies.sent(attempt, model, method, body);
        }
    }

    pub(in crate::telemetry) fn received(&self, attempt: usize, streams: bool, body: &Bytes) {
        if let Some(bodies) = &mut self.state().bodies {
            bodies.received(attempt, streams, body);
        }
    }

    pub(in crate::telemetry) fn succeeded(&self, attempt: usize) {
        let ended = ms(self.began.elapsed());
        if let Some(tried) = self.state().attempts.get_mut(attempt) {
            (tried.ended_ms, tried.outcome) = (Some(ended), Some("ok"));
        }
    }

    pub(in crate::telemetry) fn failed(&self, attempt: usize, fault: &Fault, rest: Option<Rest>) {
        let ended = ms(self.began.elapsed());
        let mut state = self.state();
        let keeps = state.bodies.is_some();
        if let Some(tried) = state.attempts.get_mut(attempt) {
            tried.ended_ms = Some(ended);
            tried.outcome = Some(fault.kind.name());
            tried.status = fault.status;
            tried.quota_id.clone_from(&fault.quota_id);
            tried.message = keeps.then(|| fault.message.clone());
            tried.rest = rest;
        }
        if let (Some(bodies), Some(said)) = (&mut state.bodies, &fault.said) {
            bodies.failed(attempt, fault.status.unwrap_or(500), &said.0);
        }
    }

    pub(in crate::telemetry) fn refused(&self, error: &Error) {
        let code = error.code.as_ref().map(ToString::to_string);
        self.state().error = Some(Refusal { kind: error.kind.to_string(), code });
    }

    pub(in crate::telemetry) fn first_token(&self) {
        let first = self.began.elapsed();
        self.state().facts.first_token_ms = u64::try_from(first.as_millis()).ok();
    }

    /// Counts bytes of a stream that were sent.
    pub(in crate::telemetry) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.pieces.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::telemetry) fn ended(&self, ended: RequestSummary, plugins: Vec<PluginCost>) {
        let took = self.began.elapsed();
        let mut state = self.state();
        state.facts = ended;
        (state.plugins, state.took) = (plugins, Some(took));
    }

    /// The current state.
    pub fn seen(&self) -> RequestView {
        let elapsed = self.began.elapsed();
        let state = self.state();
        let mut facts = state.facts.clone();
        if state.took.is_none() {
            facts.duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        }
        RequestView {
            number: self.number,
            at: self.at.round(jiff::Unit::Millisecond).unwrap_or(self.at).to_string(),
            phase: state.phase(),
            facts,
            arrived_ms: state.arrived.map(ms),
            ended_ms: state.took.map(ms),
            written: self.written.load(Ordering::Relaxed),
            pieces: self.pieces.load(Ordering::Relaxed),
            tries: state.attempts.clone(),
            plugins: state.plugins.clone(),
            error: state.error.clone(),
            capsule: state.bodies.is_some(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn phase(&self) -> &'static str {
        match self.attempts.last().map(|tried| tried.outcome) {
            _ if self.took.is_some() => "done",
            _ if self.facts.first_token_ms.is_some() => "streaming",
            None => "accepted",
            Some(None) => "attempt",
            Some(Some("ok")) => "answering",
            Some(Some(_)) => "retrying",
        }
    }
}

/// The facts that an attempt adds to the record of its request.
pub(in crate::telemetry) struct Facts<'a> {
    pub asked: &'a str,
    pub stream: bool,
    pub model: &'a str,
    pub pool: &'a str,
    pub key: &'a str,
}

impl Facts<'_> {
    fn clone_into(&self, facts: &mut RequestSummary) {
        self.asked.clone_into(&mut facts.asked);
        self.model.clone_into(&mut facts.model);
        self.pool.clone_into(&mut facts.pool);
        self.key.clone_into(&mut facts.key);
        facts.stream = self.stream;
    }
}

/// Milliseconds, rounded to two decimals.
fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_less_than_a_millisecond_ends_after_its_attempt() {
        let mut trace = Trace::begin(0, "r0", "openai_chat", false);
        trace.began = Instant::now().checked_sub(Duration::from_micros(300)).unwrap();
        let attempt = trace.attempted(&Facts { asked: "m", stream: false, model: "m", pool: "p", key: "k" });
        trace.succeeded(attempt);
        assert_eq!(trace.seen().ended_ms, None);
        trace.ended(RequestSummary::default(), Vec::new());
        let seen = trace.seen();
        assert!(seen.tries[0].ended_ms >= Some(0.3) && seen.ended_ms >= seen.tries[0].ended_ms, "{seen:?}");
    }
}
