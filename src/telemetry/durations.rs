//! A lock-free histogram of durations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Number of buckets. Each is a quarter wider than the one before; together they range from a microsecond to more than
/// an hour.
const BUCKETS: usize = 100;
const FIRST_MS: f64 = 0.001;
const GROWTH: f64 = 1.25;

/// A histogram of durations.
#[derive(Debug)]
pub struct Durations([AtomicU64; BUCKETS]);

/// Quantiles of the duration, in milliseconds, at most a quarter too high. None without data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latencies {
    /// The median.
    pub p50_ms: Option<f64>,
    /// The 90th percentile.
    pub p90_ms: Option<f64>,
    /// The 99th percentile.
    pub p99_ms: Option<f64>,
}

impl Default for Durations {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::default()))
    }
}

impl Durations {
    /// Records a duration.
    pub fn add(&self, duration: Duration) {
        let ratio = duration.as_secs_f64() * 1000.0 / FIRST_MS;
        let bucket = ratio.max(1.0).log(GROWTH).ceil() as usize;
        if let Some(count) = self.0.get(bucket.min(BUCKETS - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of durations recorded.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The quantiles.
    pub fn latencies(&self) -> Latencies {
        let counts: Vec<u64> = self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let rank = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            let bucket = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            })?;
            (total > 0).then_some(bound(bucket))
        };
        Latencies { p50_ms: quantile(0.5), p90_ms: quantile(0.9), p99_ms: quantile(0.99) }
    }

    /// The non-empty buckets: upper bound in milliseconds, and count.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed)).enumerate();
        counts.filter(|(_, count)| *count > 0).map(|(bucket, count)| (bound(bucket), count)).collect()
    }
}

/// The upper bound of a bucket in milliseconds, rounded to three significant digits.
fn bound(bucket: usize) -> f64 {
    let bound = FIRST_MS * GROWTH.powi(i32::try_from(bucket).unwrap_or(i32::MAX));
    let scale = 10_f64.powf(2.0 - bound.log10().floor());
    (bound * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_quarter() {
        let durations = Durations::default();
        assert_eq!(durations.latencies().p50_ms, None);
        (1..=100).for_each(|ms| durations.add(Duration::from_millis(ms)));
        let latencies = durations.latencies();
        assert!((50.0..=62.5).contains(&latencies.p50_ms.unwrap()), "{latencies:?}");
        assert!((99.0..=124.0).contains(&latencies.p99_ms.unwrap()), "{latencies:?}");
        assert_eq!(durations.buckets().iter().map(|(_, count)| count).sum::<u64>(), durations.count());
    }

    #[test]
    fn microseconds_are_told_apart() {
        let durations = Durations::default();
        durations.add(Duration::from_micros(30));
        assert!((0.03..0.038).contains(&durations.latencies().p99_ms.unwrap()));
        durations.add(Duration::from_secs(100_000));
        assert_eq!(durations.count(), 2);
    }
}
