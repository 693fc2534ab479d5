//! Counts since the process started, for `/stats` and the dashboard. The number of rows is bounded: by the models
//! allowed as labels, and by a limit on combinations of day, client and model.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;

use super::durations::{Durations, Latencies};

/// Maximum number of usage rows (day, client, model). Everything beyond is counted in one row.
const MOST_ROWS: usize = 5000;

/// Requests by outcome, and their durations.
#[derive(Debug, Default)]
pub struct Tally {
    answered: AtomicU64,
    client_errors: AtomicU64,
    server_errors: AtomicU64,
    cancelled: AtomicU64,
    durations: Durations,
    models: RwLock<BTreeMap<String, Arc<ModelTimes>>>,
    usage: Mutex<BTreeMap<(String, String, String), Used>>,
}

/// Number of requests so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// All requests.
    pub total: u64,
    /// Answered in full.
    pub answered: u64,
    /// Rejected with a 4xx.
    pub client_errors: u64,
    /// Failed with a 5xx, including streams that failed after they had begun.
    pub server_errors: u64,
    /// Abandoned by the client.
    pub cancelled: u64,
}

/// Durations of a model's answers.
#[derive(Debug, Default)]
struct ModelTimes {
    whole: Durations,
    first_token: Durations,
}

/// A histogram, for display.
#[derive(Debug, Serialize)]
pub struct Histogram {
    /// The number of durations.
    pub count: u64,
    /// The quantiles.
    #[serde(flatten)]
    pub latencies: Latencies,
    /// The non-empty buckets: upper bound in milliseconds, and count.
    pub buckets: Vec<(f64, u64)>,
}

/// Durations of a model's answers, for display.
#[derive(Debug, Serialize)]
pub struct ModelLatencies {
    /// The model.
    pub model: String,
    /// From arrival to the end of the answer.
    pub duration: Histogram,
    /// From arrival to the first content.
    pub first_token: Histogram,
}

/// A client's usage of a model on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    /// The number of requests.
    pub requests: u64,
    /// Requests that were not answered in full.
    pub failures: u64,
    /// Tokens in prompts.
    pub prompt_tokens: u64,
    /// Tokens in answers.
    pub completion_tokens: u64,
}

/// One row of usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedRow {
    /// The day, in UTC.
    pub day: String,
    /// The client's name.
    pub client: String,
    /// The model.
    pub model: String,
    /// The usage.
    #[serde(flatten)]
    pub used: Used,
}

/// The counted facts of a finished request.
#[derive(Clone, Copy, Debug)]
pub struct FinishedRequest<'a> {
    /// HTTP status.
    pub status: u16,
    /// The client's name.
    pub client: &'a str,
    /// The model, as a label.
    pub model: &'a str,
    /// From arrival to the end of the answer.
    pub elapsed: Duration,
    /// From arrival to the first content.
    pub first_token: Option<Duration>,
    /// Tokens of prompt and answer.
    pub tokens: (u64, u64),
}

impl Tally {
    pub(super) fn request(&self, over: &FinishedRequest<'_>) {
        let counter = match over.status {
            499 => &self.cancelled,
            500.. => &self.server_errors,
            400.. => &self.client_errors,
            _ => &self.answered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.durations.add(over.elapsed);
        if over.status < 400 {
            let times = self.times(over.model);
            times.whole.add(over.elapsed);
            if let Some(first) = over.first_token {
                times.first_token.add(first);
            }
        }
        self.used(over);
    }

    fn times(&self, model: &str) -> Arc<ModelTimes> {
        if let Some(times) = self.models.read().unwrap_or_else(PoisonError::into_inner).get(model) {
            return times.clone();
        }
        self.models.write().unwrap_or_else(PoisonError::into_inner).entry(model.to_owned()).or_default().clone()
    }

    fn used(&self, over: &FinishedRequest<'_>) {
        let day = jiff::Timestamp::now().to_string().get(..10).unwrap_or_default().to_owned();
        let mut rows = self.rows();
        let mut row = (day, over.client.to_owned(), over.model.to_owned());
        if rows.len() >= MOST_ROWS && !rows.contains_key(&row) {
            row = ("other".to_owned(), "other".to_owned(), "other".to_owned());
        }
        let used = rows.entry(row).or_default();
        used.requests += 1;
        used.failures += u64::from(over.status >= 400);
        used.prompt_tokens += over.tokens.0;
        used.completion_tokens += over.tokens.1;
    }

    /// The number of requests so far.
    pub fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (answered, client_errors) = (load(&self.answered), load(&self.client_errors));
        let (server_errors, cancelled) = (load(&self.server_errors), load(&self.cancelled));
        let total = answered + client_errors + server_errors + cancelled;
        Counts { total, answered, client_errors, server_errors, cancelled }
    }

    /// Quantiles of all durations.
    pub fn latencies(&self) -> Latencies {
        self.durations.latencies()
    }

    /// Durations of answered requests, by model.
    pub fn by_model(&self) -> Vec<ModelLatencies> {
        let shown = |durations: &Durations| Histogram {
            count: durations.count(),
            latencies: durations.latencies(),
            buckets: durations.buckets(),
        };
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        let one = |(model, times): (&String, &Arc<ModelTimes>)| ModelLatencies {
            model: model.clone(),
            duration: shown(&times.whole),
            first_token: shown(&times.first_token),
        };
        models.iter().map(one).collect()
    }

    /// Clients' usage by day and model, oldest day first.
    pub fn usage(&self) -> Vec<UsedRow> {
        let row = |((day, client, model), used): (&(String, String, String), &Used)| UsedRow {
            day: day.clone(),
            client: client.clone(),
            model: model.clone(),
            used: *used,
        };
        self.rows().iter().map(row).collect()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<(String, String, String), Used>> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(status: u16) -> FinishedRequest<'static> {
        let elapsed = Duration::from_millis(20);
        FinishedRequest { status, client: "ci", model: "gemini-2.5-flash", elapsed, first_token: None, tokens: (3, 5) }
    }

    #[test]
    fn ends_are_told_apart() {
        let tally = Tally::default();
        [200, 400, 429, 499, 502].iter().for_each(|status| tally.request(&over(*status)));
        let counts = tally.counts();
        assert_eq!((counts.total, counts.answered, counts.client_errors), (5, 1, 2));
        assert_eq!((counts.server_errors, counts.cancelled), (1, 1));
        let models = tally.by_model();
        assert_eq!((models.len(), models[0].duration.count, models[0].first_token.count), (1, 1, 0));
        let used = &tally.usage()[0].used;
        assert_eq!((used.requests, used.failures, used.prompt_tokens), (5, 4, 15));
    }

    #[test]
    fn a_flood_of_clients_is_one_row() {
        let tally = Tally::default();
        for number in 0..MOST_ROWS + 10 {
            tally.request(&FinishedRequest { client: &format!("c{number}"), ..over(200) });
        }
        let rows = tally.usage();
        assert_eq!(rows.len(), MOST_ROWS + 1);
        assert_eq!(rows.iter().find(|row| row.client == "other").unwrap().used.requests, 10);
    }
}
