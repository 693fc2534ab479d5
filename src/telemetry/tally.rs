//! The counts of `/stats`: a few atomics, no locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Buckets of a quarter each, from 0.1 ms to beyond an hour.
const BUCKETS: usize = 80;
const FIRST_MS: f64 = 0.1;
const GROWTH: f64 = 1.25;

/// Requests by how they ended, and how long they took.
#[derive(Debug)]
pub struct Tally {
    answered: AtomicU64,
    client_errors: AtomicU64,
    server_errors: AtomicU64,
    cancelled: AtomicU64,
    durations: [AtomicU64; BUCKETS],
}

/// Requests so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// All.
    pub total: u64,
    /// Answered in full.
    pub answered: u64,
    /// Refused with a 4xx.
    pub client_errors: u64,
    /// Failed with a 5xx, streams that broke among them.
    pub server_errors: u64,
    /// The client left.
    pub cancelled: u64,
}

/// How long requests took, in milliseconds; within a quarter of the truth. None while there were none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latencies {
    /// Half took no longer.
    pub p50_ms: Option<f64>,
    /// Nine of ten took no longer.
    pub p90_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<f64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            answered: AtomicU64::default(),
            client_errors: AtomicU64::default(),
            server_errors: AtomicU64::default(),
            cancelled: AtomicU64::default(),
            durations: std::array::from_fn(|_| AtomicU64::default()),
        }
    }
}

impl Tally {
    pub(super) fn request(&self, status: u16, elapsed: Duration) {
        let counter = match status {
            499 => &self.cancelled,
            500.. => &self.server_errors,
            400.. => &self.client_errors,
            _ => &self.answered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let ratio = elapsed.as_secs_f64() * 1000.0 / FIRST_MS;
        let bucket = ratio.max(1.0).log(GROWTH).ceil() as usize;
        if let Some(count) = self.durations.get(bucket.min(BUCKETS - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests so far.
    pub fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (answered, client_errors) = (load(&self.answered), load(&self.client_errors));
        let (server_errors, cancelled) = (load(&self.server_errors), load(&self.cancelled));
        let total = answered + client_errors + server_errors + cancelled;
        Counts { total, answered, client_errors, server_errors, cancelled }
    }

    /// How long they took.
    pub fn latencies(&self) -> Latencies {
        let counts: Vec<u64> = self.durations.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let rank = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            let bucket = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            })?;
            let bound = FIRST_MS * GROWTH.powi(i32::try_from(bucket).ok()?);
            (total > 0).then_some((bound * 100.0).round() / 100.0)
        };
        Latencies { p50_ms: quantile(0.5), p90_ms: quantile(0.9), p99_ms: quantile(0.99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_quarter() {
        let tally = Tally::default();
        assert_eq!(tally.latencies().p50_ms, None);
        (1..=100).for_each(|ms| tally.request(200, Duration::from_millis(ms)));
        let latencies = tally.latencies();
        assert!((50.0..=62.5).contains(&latencies.p50_ms.unwrap()), "{latencies:?}");
        assert!((99.0..=124.0).contains(&latencies.p99_ms.unwrap()), "{latencies:?}");
    }

    #[test]
    fn ends_are_told_apart() {
        let tally = Tally::default();
        [200, 400, 429, 499, 502].iter().for_each(|status| tally.request(*status, Duration::ZERO));
        let counts = tally.counts();
        assert_eq!((counts.total, counts.answered, counts.client_errors), (5, 1, 2));
        assert_eq!((counts.server_errors, counts.cancelled), (1, 1));
    }
}
