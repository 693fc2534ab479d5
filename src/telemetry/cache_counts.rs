//! What came of kept answers, for `/stats`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Calls by what kept answers had to do with them.
#[derive(Debug, Default)]
pub struct CacheTally {
    hits: AtomicU64,
    misses: AtomicU64,
    bypassed: AtomicU64,
}

/// Calls so far, while answers were kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CacheCounts {
    /// Answered by a kept answer, or by that of an equal request.
    pub hits: u64,
    /// Looked for, and answered by Gemini.
    pub misses: u64,
    /// Not looked for.
    pub bypassed: u64,
    /// Hits among those that were looked for; None while there were none.
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

    /// So far.
    pub fn counts(&self) -> CacheCounts {
        let [hits, misses, bypassed] =
            [&self.hits, &self.misses, &self.bypassed].map(|counter| counter.load(Ordering::Relaxed));
        let asked = hits + misses;
        let hit_rate = (asked > 0).then(|| (hits as f64 / asked as f64 * 1000.0).round() / 1000.0);
        CacheCounts { hits, misses, bypassed, hit_rate }
    }
}
