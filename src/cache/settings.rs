//! Settings of `[cache]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Problems};

/// The longest an answer may be kept.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Answers that are kept and given again to equal requests of the same client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSettings {
    /// Whether answers are kept.
    pub enabled: bool,
    /// How long an answer is kept.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub ttl: Duration,
    /// All kept answers together, in bytes.
    pub max_bytes: u64,
    /// How many answers are kept. Left out: as many as `max_bytes` holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<u64>,
    /// The largest answer that is kept, in bytes. Replicas share what is no larger than 1 MiB.
    pub max_entry: usize,
    /// Which requests have answers that are kept: those that ask for the same answer each time, or any.
    pub requests: Cacheable,
    /// Whether answers that call a function are kept too.
    pub tool_calls: bool,
    /// How long a request waits for the answer to an equal one that is under way. `"0s"`: not at all, each asks Gemini.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub wait: Duration,
}

/// Which requests have answers that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cacheable {
    /// Those with a temperature of 0 or a seed, one answer, and no tool that looks at the world; embeddings and counts of tokens.
    #[default]
    Deterministic,
    /// All, but those for several answers at once. Who asks twice gets the same words twice.
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
    /// Checks the ranges.
    pub fn check(&self, problems: &mut Problems) {
        if self.ttl < Duration::from_secs(1) || self.ttl > LONGEST {
            problems.push(Problem::error("must be between 1s and 30days").at("cache.ttl"));
        }
        if self.max_entry == 0 || self.max_entry as u64 > self.max_bytes {
            let hint = "the largest answer that is kept must fit into `cache.max_bytes`";
            problems.push(Problem::error("must be between 1 and `cache.max_bytes`").at("cache.max_entry").hint(hint));
        }
        if self.max_entries == Some(0) {
            let hint = "to keep no answers, write `enabled = false`";
            problems.push(Problem::error("must be at least 1").at("cache.max_entries").hint(hint));
        }
    }
}
