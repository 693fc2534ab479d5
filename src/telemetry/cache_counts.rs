//! Counts of what the answer cache did, for `/stats`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Counts calls by cache result.
#[derive(Debug, Default)]
pub struct CacheTally {
    hits: AtomicU64,
    misses: AtomicU64,
    bypassed: AtomicU64,
}

/// Calls counted while the cache was enabled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CacheCounts {
    /// Answered from the cache, or with the answer to an identical concurrent request.
    pub hits: u64,
    /// Looked up and answered by Gemini.
    pub misses: u64,
    /// Not looked up.
    pub bypassed: u64,
    /// Share of hits among the calls that were looked up; None if there were none.
    pub hit_rate: Option<f64>,
}

impl CacheTally {
    pub(super) fn add(&self, result: &str) {
        let counter = match result {
            "hit" | "joined" => &self.hits,
            "bypass" => &self.bypassed,
            _ => &self.misses,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far.
    pub fn counts(&self) -> CacheCounts {
        let [hits, misses, bypassed] =
            [&self.hits, &self.misses, &self.bypassed].map(|counter| counter.load(Ordering::Relaxed));
        let asked = hits + misses;
        let hit_rate = (asked > 0).then(|| (hits as f64 / asked as f64 * 1000.0).round() / 1000.0);
        CacheCounts { hits, misses, bypassed, hit_rate }
    }
}
