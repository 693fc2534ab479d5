//! Request metrics, cached by label: looking up a metric costs more than incrementing it.

use std::sync::{Arc, PoisonError, RwLock};

use foldhash::HashMap;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// Metrics by two labels, whose values are bounded by the configuration and by Google's models.
#[derive(Debug)]
pub struct ByLabels<T>(RwLock<HashMap<String, Vec<(String, T)>>>);

impl<T> Default for ByLabels<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> ByLabels<T> {
    /// Returns the metric with these labels. The first use creates it with `make`.
    pub fn get(&self, model: &str, other: &str, make: impl FnOnce() -> T) -> T {
        let found = |all: &HashMap<String, Vec<(String, T)>>| {
            all.get(model)?.iter().find(|(label, _)| label == other).map(|(_, one)| one.clone())
        };
        if let Some(one) = found(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return one;
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = found(&all) {
            return one;
        }
        let one = make();
        all.entry(model.to_owned()).or_default().push((other.to_owned(), one.clone()));
        one
    }
}

/// Metrics of the requests of one protocol and model.
pub struct RequestMetrics {
    api: &'static str,
    model: String,
    codes: RwLock<Vec<(u16, Counter)>>,
    /// From arrival to the end of the answer.
    pub duration: Histogram,
    /// From arrival to the first content.
    pub first_token: Histogram,
    /// The longest pause within a stream.
    pub stream_gap: Histogram,
}

impl RequestMetrics {
    fn of(api: &'static str, model: &str) -> Self {
        let histogram = |name: &'static str| histogram!(name, "api" => api, "model" => model.to_owned());
        Self {
            api,
            model: model.to_owned(),
            codes: RwLock::default(),
            duration: histogram("gemini_adapter_request_duration_seconds"),
            first_token: histogram("gemini_adapter_time_to_first_token_seconds"),
            stream_gap: histogram("gemini_adapter_stream_gap_seconds"),
        }
    }

    /// Counts requests that ended with this status.
    pub fn code(&self, status: u16) -> Counter {
        let known =
            |codes: &[(u16, Counter)]| codes.iter().find(|(code, _)| *code == status).map(|(_, one)| one.clone());
        if let Some(one) = known(&self.codes.read().unwrap_or_else(PoisonError::into_inner)) {
            return one;
        }
        let labels = [("api", self.api.to_owned()), ("model", self.model.clone()), ("code", status.to_string())];
        let one = counter!("gemini_adapter_requests", &labels);
        self.codes.write().unwrap_or_else(PoisonError::into_inner).push((status, one.clone()));
        one
    }
}

/// The metrics that every request updates.
pub struct Series {
    whole: Gauge,
    streams: Gauge,
    requests: ByLabels<Arc<RequestMetrics>>,
    answered: ByLabels<Counter>,
    tokens: ByLabels<Counter>,
}

impl Series {
    /// Uses the process's recorder, which must be installed already.
    pub fn new() -> Self {
        Self {
            whole: gauge!("gemini_adapter_inflight_requests", "kind" => "whole"),
            streams: gauge!("gemini_adapter_inflight_requests", "kind" => "stream"),
            requests: ByLabels::default(),
            answered: ByLabels::default(),
            tokens: ByLabels::default(),
        }
    }

    /// Gauge of requests being answered, whole or streamed.
    pub fn inflight(&self, stream: bool) -> &Gauge {
        if stream { &self.streams } else { &self.whole }
    }

    /// The metrics for this protocol and model.
    pub fn of_requests(&self, api: &'static str, model: &str) -> Arc<RequestMetrics> {
        self.requests.get(model, api, || RequestMetrics::of(api, model).into())
    }

    /// Counts attempts of this pool and model that were answered.
    pub fn answered(&self, pool: &str, model: &str) -> Counter {
        self.answered.get(model, pool, || {
            let labels = [("pool", pool.to_owned()), ("model", model.to_owned()), ("outcome", "ok".to_owned())];
            counter!("gemini_adapter_upstream_attempts", &labels)
        })
    }

    /// Counts tokens of this kind and model.
    pub fn tokens(&self, kind: &'static str, model: &str) -> Counter {
        let labels = || [("model", model.to_owned()), ("type", kind.to_owned())];
        self.tokens.get(model, kind, || counter!("gemini_adapter_tokens", &labels()))
    }
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Series")
    }
}
