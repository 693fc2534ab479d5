//! Settings of `[cache]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Problems};

/// The longest time an answer may be cached.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The answer cache: cached answers are repeated to equal requests of the same client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSettings {
    /// Whether answers are cached.
    pub enabled: bool,
    /// How long an answer is cached.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub ttl: Duration,
    /// Size of all cached answers together, in bytes.
    pub max_bytes: u64,
    /// Number of cached answers. Left out: as many as fit into `max_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<u64>,
    /// The largest answer that is cached, in bytes. Replicas share answers of at most 1 MiB.
    pub max_entry: usize,
    /// Which requests have their answers cached: those that ask for the same answer each time, or any.
    pub requests: Cacheable,
    /// Whether answers that contain function calls are cached too.
    pub tool_calls: bool,
    /// How long a request waits for the answer to an equal request in flight. `"0s"`: not at all, each request calls
    /// Gemini.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub wait: Duration,
}

/// Which requests have their answers cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cacheable {
    /// Requests with a temperature of 0 or a seed, a single answer, and no tool that looks at the outside world; also
    /// embeddings and token counts.
    #[default]
    Deterministic,
    /// All requests, except those for several answers at once. A request that is repeated gets the same answer again.
    Any,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            ttl: Duration::from_secs(300),
            max_bytes: 64 * 1024 * 1024,
            max_entries: None,
            max_entry: 4 * 1024 * 1024,
            requests: Cacheable::Deterministic,
            tool_calls: false,
            wait: Duration::from_secs(60),
        }
    }
}

impl CacheSettings {
    /// Validates the ranges.
    pub fn check(&self, problems: &mut Problems) {
        if self.ttl < Duration::from_secs(1) || self.ttl > LONGEST {
            problems.push(Problem::error("must be between 1s and 30days").at("cache.ttl"));
        }
        if self.max_entry == 0 || self.max_entry as u64 > self.max_bytes {
            let hint = "the largest cached answer must fit into `cache.max_bytes`";
            problems.push(Problem::error("must be between 1 and `cache.max_bytes`").at("cache.max_entry").hint(hint));
        }
        if self.max_entries == Some(0) {
            let hint = "to disable the cache, write `enabled = false`";
            problems.push(Problem::error("must be at least 1").at("cache.max_entries").hint(hint));
        }
    }
}
