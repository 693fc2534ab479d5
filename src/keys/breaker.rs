//! One breaker: whether what it guards may be used, and how long it rests after a failure. Pure.
//! Never: a clock, a lock, a log line, chance.
//!
//! Each change of state begins a new epoch. A lease bears the epoch it was given under, so that a burst of failures counts
//! once, and a report that comes after a reset counts not at all.

use std::time::Duration;

use super::settings::CooldownSettings;
use crate::fault::Kind;

/// Longest rest anyone can ask for: a day of 25 hours, when summer time ends.
pub const LONGEST_REST: Duration = Duration::from_secs(25 * 3600);
/// A probe that nobody has reported on by then is forgotten.
const PROBE_EXPIRES: Duration = Duration::from_secs(30);

/// The state of one breaker. Moments are monotonic, since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    epoch: u64,
    /// Rests in a row.
    strikes: u32,
    /// Failures in a row that have not led to a rest yet.
    failures: u32,
    rest: Option<Rest>,
    /// When the probe that is under way expires.
    probe: Option<Duration>,
    dead: Option<Kind>,
}

/// A rest, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Its end.
    pub until: Duration,
    /// The fault that began it.
    pub why: Kind,
    /// The quota Google named.
    pub quota_id: Option<String>,
}

/// What a failure calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// A rest until this moment.
    Until(Duration),
    /// A rest that grows with each one in a row.
    Backoff,
    /// The end.
    Death,
}

/// Whether the guarded may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate<'a> {
    /// Freely.
    Open,
    /// Once, to see whether it works again.
    Probe,
    /// Not before this moment.
    Closed {
        /// The end of the rest, or of the probe that is under way.
        until: Duration,
        /// The rest.
        rest: &'a Rest,
    },
    /// Not until somebody resets it.
    Dead(Kind),
}

impl Breaker {
    /// Whether the guarded may be used now.
    pub fn gate(&self, now: Duration) -> Gate<'_> {
        match (&self.dead, &self.rest, self.probe) {
            (Some(why), ..) => Gate::Dead(*why),
            (None, None, _) => Gate::Open,
            (None, Some(rest), _) if now < rest.until => Gate::Closed { until: rest.until, rest },
            (None, Some(rest), Some(expires)) if now < expires => Gate::Closed { until: expires, rest },
            (None, Some(_), _) => Gate::Probe,
        }
    }

    /// Takes it into use: the epoch to report under. After a rest, that is the probe.
    pub fn take(&mut self, now: Duration) -> u64 {
        if self.gate(now) == Gate::Probe {
            self.probe = Some(now.saturating_add(PROBE_EXPIRES));
        }
        self.epoch
    }

    /// It worked.
    pub fn succeeded(&mut self, epoch: u64) {
        if epoch != self.epoch {
            return;
        }
        if self.rest.take().is_some() {
            self.epoch += 1;
        }
        (self.strikes, self.failures, self.probe) = (0, 0, None);
    }

    /// It failed. `until` never gets shorter, whoever reports.
    pub fn failed(
        &mut self,
        epoch: u64,
        sentence: Sentence,
        why: (Kind, Option<&str>),
        now: Duration,
        policy: &CooldownSettings,
    ) {
        let fresh = epoch == self.epoch;
        let until = match sentence {
            Sentence::Death if fresh => {
                self.dead = Some(why.0);
                self.turn();
                return;
            }
            Sentence::Death => return,
            Sentence::Until(until) => until.min(now.saturating_add(LONGEST_REST)),
            Sentence::Backoff if fresh => {
                self.failures += 1;
                if self.failures < policy.failures && self.probe.is_none() {
                    return;
                }
                let doubled = policy.base.saturating_mul(2u32.saturating_pow(self.strikes));
                now.saturating_add(doubled.min(policy.max))
            }
            Sentence::Backoff => return,
        };
        match &mut self.rest {
            // A late report of the same failure may still know of a longer rest.
            Some(rest) if !fresh => rest.until = rest.until.max(until),
            None if !fresh => {}
            rest => {
                let until = rest.as_ref().map_or(until, |rest| rest.until.max(until));
                *rest = Some(Rest { until, why: why.0, quota_id: why.1.map(str::to_owned) });
                self.strikes += 1;
                self.turn();
            }
        }
    }

    /// It was given back without a word: a client left. A probe may be made again.
    pub fn released(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.probe = None;
        }
    }

    /// Everything is forgiven, and what was under way will not count.
    pub fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, ..Self::default() };
    }

    fn turn(&mut self) {
        self.epoch += 1;
        self.failures = 0;
        self.probe = None;
    }
}
