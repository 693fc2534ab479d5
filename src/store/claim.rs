//! What only one replica may do at a time, or all together only so often. Words only; Redis decides, and without it each
//! replica by itself.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;

use super::{Scope, Store};

/// What a request is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// One more request of a day's quota whose size is known.
    pub day: Option<DayClaim>,
    /// Breakers that it probes.
    pub probes: Vec<Scope>,
    /// After how long a probe of which nothing was heard may be made by another.
    pub probe_expires: Duration,
}

/// One more request of a quota group, for a model, on one of Google's days.
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
    /// How many requests there may be on it.
    pub limit: u64,
}

/// What the replicas say to it.
#[derive(Debug)]
pub enum Claimed {
    /// It may. What it probes nobody else does, as long as this is kept.
    Granted(Option<Held>),
    /// All requests of the day were made, by whomever.
    Spent,
    /// Another replica makes the probe, for so long at most.
    Probed(Duration),
}

/// Probes that no other replica makes meanwhile. Dropping it lets them.
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
