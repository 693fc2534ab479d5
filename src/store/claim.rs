//! What only one replica may do at a time, or all together only a limited number of times. Data types only; Redis
//! decides, and without it each replica decides by itself.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;

use super::{Scope, Store};

/// What a request is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// One more request of a daily quota of known size.
    pub day: Option<DayClaim>,
    /// Breakers that it probes.
    pub probes: Vec<Scope>,
    /// After how long another replica may make a probe whose outcome is still unknown.
    pub probe_expires: Duration,
}

/// One more request of a quota group, for a model, on one Google day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayClaim {
    /// The group.
    pub group: String,
    /// The ids of its keys.
    pub keys: Vec<String>,
    /// The model.
    pub model: String,
    /// The day in Los Angeles.
    pub day: Date,
    /// Request limit of the day.
    pub limit: u64,
}

/// The answer of the replicas to a claim.
#[derive(Debug)]
pub enum Claimed {
    /// Granted. No other replica makes its probes for as long as this is kept.
    Granted(Option<Held>),
    /// The requests of the day are used up, by whichever replica.
    Spent,
    /// Another replica is making the probe, for at most this long.
    Probed(Duration),
}

/// Probes that no other replica makes meanwhile. Dropping it releases them.
pub struct Held {
    store: Store,
    probes: Vec<Scope>,
    number: u64,
}

impl Held {
    pub(super) fn new(store: &Store, probes: Vec<Scope>, number: u64) -> Self {
        Self { store: store.clone(), probes, number }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(redis) = self.store.redis() {
            redis.release(std::mem::take(&mut self.probes), self.number);
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.probes).finish()
    }
}
