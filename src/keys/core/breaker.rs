//! One breaker: whether the resource it guards may be used, and how long it cools down after a failure.
//!
//! ```text
//! closed --failure--> cooling down --expiry--> one probe --success--> ramp: 2, 4, 8 in flight --success--> closed
//!                          ^                       |                     |
//!                          +--------failure--------+---------------------+       dead: only a reset, or a late probe
//! ```
//! Each cooldown, recovery and reset begins a new epoch. A lease carries the epoch it was taken under, so that a burst
//! of failures counts once, and a report that arrives after a reset does not count at all.

use std::time::Duration;

use super::failure_rate::FailureRate;
use super::gate::Gate;
use super::penalty::{Penalty, Policy};
use crate::fault::Kind;

/// One strike is forgotten for each period of this length without another.
const STRIKE_FADES: Duration = Duration::from_secs(600);
/// A ramp ends when it would allow more requests in flight than this.
const RAMP_ENDS: u32 = 8;

/// The state of one breaker. Times are monotonic, since process start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    pub(super) epoch: u64,
    /// Cooldowns in a row, as of `struck`.
    pub(super) strikes: u32,
    /// The end of the last cooldown: strikes fade from there.
    pub(super) struck: Duration,
    /// Failures in a row that have not started a cooldown yet.
    failures: u32,
    /// The failure rate of recent attempts, for policies that consider it.
    recent: FailureRate,
    pub(super) state: State,
    pub(super) disabled: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Closed,
    /// Out of use. A probe may be made when the cooldown has ended.
    Tripped { rest: Cooldown, probe: Option<Probe> },
    /// Back in use, with at most `width` requests in flight; `pending` of them are not reported yet.
    Ramp { width: u32, pending: u32 },
}

/// A cooldown and its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// Its end. If `dead`, the time of one more try; `Duration::MAX` means never.
    pub until: Duration,
    /// The fault that caused it.
    pub why: Kind,
    /// The quota Google named.
    pub quota_id: Option<String>,
    /// Whether the breaker is dead instead of cooling down.
    pub dead: bool,
}

/// A probe in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// When it is no longer waited for.
    expires: Duration,
    /// Whether this process makes it, rather than another replica.
    ours: bool,
}

/// Why a request failed, and the penalty for it.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    pub penalty: Penalty,
    pub kind: Kind,
    pub quota_id: Option<&'a str>,
}

impl Breaker {
    /// Whether the guarded resource may be used now.
    pub fn gate(&self, now: Duration) -> Gate {
        match &self.state {
            _ if self.disabled => Gate::Disabled,
            State::Closed => Gate::Open,
            State::Ramp { width, pending } if pending < width => Gate::Open,
            State::Ramp { .. } => Gate::Busy(Kind::RateLimited),
            State::Tripped { rest, probe } => {
                let under_way = probe.is_some_and(|probe| now < probe.expires);
                match rest.dead {
                    true if now < rest.until || under_way => Gate::Dead(rest.why),
                    false if now < rest.until => Gate::Closed { until: rest.until, why: rest.why },
                    false if under_way => Gate::Busy(rest.why),
                    _ => Gate::Probe,
                }
            }
        }
    }

    /// Takes the resource into use and returns the epoch to report under. The first use after a cooldown is the probe.
    pub fn take(&mut self, now: Duration, policy: &Policy) -> u64 {
        let probing = self.gate(now) == Gate::Probe;
        match &mut self.state {
            State::Tripped { probe, .. } if probing => {
                // An expired probe may still be reported on: a new epoch tells the two apart.
                self.epoch += u64::from(probe.is_some_and(|probe| probe.ours));
                *probe = Some(Probe { expires: now.saturating_add(policy.probe_expires), ours: true });
            }
            State::Ramp { pending, .. } => *pending += 1,
            State::Closed | State::Tripped { .. } => {}
        }
        self.epoch
    }

    /// Reports success. Returns whether that ended a cooldown.
    pub fn succeeded(&mut self, epoch: u64, now: Duration) -> bool {
        if epoch != self.epoch {
            return false;
        }
        self.failures = 0;
        match &mut self.state {
            State::Closed => {
                self.recent.note(true, now);
                false
            }
            State::Tripped { .. } => {
                self.state = State::Ramp { width: 2, pending: 0 };
                self.struck = now;
                self.epoch += 1;
                true
            }
            State::Ramp { width, pending } => {
                *pending = pending.saturating_sub(1);
                *width = width.saturating_mul(2);
                if *width > RAMP_ENDS {
                    // No new epoch: reports from requests in flight still count.
                    self.state = State::Closed;
                }
                false
            }
        }
    }

    /// Reports a failure. Returns whether the exported state changed. `until` never moves to an earlier time, whoever
    /// reports.
    pub fn failed(&mut self, epoch: u64, cause: Cause<'_>, now: Duration, policy: &Policy, chance: f64) -> bool {
        if epoch != self.epoch {
            return self.late_report(cause.penalty, now);
        }
        let strikes = self.strikes(now);
        let (until, dead) = match cause.penalty {
            Penalty::Dead(again) => (again.unwrap_or(Duration::MAX), true),
            Penalty::Until(until) => (until, false),
            Penalty::Backoff => {
                self.failures += 1;
                self.recent.note(false, now);
                let enough = self.failures >= policy.failures || (policy.by_rate && self.recent.is_failing());
                if !enough && self.state == State::Closed {
                    return false;
                }
                (now.saturating_add(policy.backoff(strikes, chance)), false)
            }
        };
        let before = self.rest().filter(|rest| !rest.dead).map_or(Duration::ZERO, |rest| rest.until);
        let quota_id = cause.quota_id.map(str::to_owned);
        let rest = Cooldown { until: until.max(before), why: cause.kind, quota_id, dead };
        (self.strikes, self.struck) = (strikes.saturating_add(1), rest.until);
        self.state = State::Tripped { rest, probe: None };
        (self.failures, self.recent) = (0, FailureRate::default());
        self.epoch += 1;
        true
    }

    /// A late report of a failure that has already counted may still extend the cooldown. Once the cooldown is over,
    /// the probe is better evidence.
    fn late_report(&mut self, penalty: Penalty, now: Duration) -> bool {
        match (&mut self.state, penalty) {
            (State::Tripped { rest, .. }, Penalty::Until(until))
                if !rest.dead && now < rest.until && rest.until < until =>
            {
                rest.until = until;
                self.struck = until;
                true
            }
            _ => false,
        }
    }

    /// Reports a use that revealed nothing about the resource: the client left, or something else failed. A probe may
    /// be made again.
    pub fn released(&mut self, epoch: u64) {
        match &mut self.state {
            _ if epoch != self.epoch => {}
            State::Closed => {}
            State::Tripped { probe, .. } => *probe = None,
            State::Ramp { pending, .. } => *pending = pending.saturating_sub(1),
        }
    }

    /// Records that another replica makes the probe. It will publish the outcome; `until` is when to ask again.
    pub fn is_probed_elsewhere(&mut self, until: Duration) {
        if let State::Tripped { probe, .. } = &mut self.state {
            *probe = Some(Probe { expires: until, ours: false });
        }
    }

    /// Forgets all failures; requests in flight will not count. A disabled breaker stays disabled.
    pub fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, disabled: self.disabled, ..Self::default() };
    }

    /// Disables or enables the breaker, as an operator requests. Returns whether that is a change.
    pub fn disable(&mut self, disabled: bool) -> bool {
        let changed = std::mem::replace(&mut self.disabled, disabled) != disabled;
        self.epoch += u64::from(changed);
        changed
    }

    /// Cooldowns in a row, without those that have faded.
    pub fn strikes(&self, now: Duration) -> u32 {
        let faded = now.saturating_sub(self.struck).as_secs() / STRIKE_FADES.as_secs();
        self.strikes.saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX))
    }

    /// The cooldown it is in, or has not recovered from.
    pub fn rest(&self) -> Option<&Cooldown> {
        match &self.state {
            State::Tripped { rest, .. } => Some(rest),
            State::Closed | State::Ramp { .. } => None,
        }
    }
}
