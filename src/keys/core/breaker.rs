//! One breaker: whether what it guards may be used, and how long it rests after a failure.
//!
//! ```text
//! closed --failure--> resting --its end--> one probe --success--> ramp: 2, 4, 8 at once --success--> closed
//!                        ^                    |                     |
//!                        +------failure-------+---------------------+        death: only a reset, or a late probe
//! ```
//! Each rest, each recovery and each reset begins a new epoch. A lease bears the epoch it was given under, so that a burst of
//! failures counts once, and a report that comes after a reset counts not at all.

use std::time::Duration;

use super::failure_rate::FailureRate;
use super::gate::Gate;
use super::penalty::{Penalty, Policy};
use crate::fault::Kind;

/// One rest in a row is forgotten for each time this long without another.
const STRIKE_FADES: Duration = Duration::from_secs(600);
/// A ramp that allows more at once than this has done its work.
const RAMP_ENDS: u32 = 8;

/// The state of one breaker. Moments are monotonic, since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    pub(super) epoch: u64,
    /// Rests in a row, as of `struck`.
    pub(super) strikes: u32,
    /// The end of the last rest: strikes fade from there.
    pub(super) struck: Duration,
    /// Failures in a row that have not led to a rest yet.
    failures: u32,
    /// The last attempts, where it matters how many of them fail.
    recent: FailureRate,
    pub(super) state: State,
    pub(super) disabled: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Closed,
    /// Out of use. After the rest's end a probe may be made.
    Out { rest: Rest, probe: Option<Probe> },
    /// Back in use, `width` at once; `pending` of them are not reported yet.
    Ramp { width: u32, pending: u32 },
}

/// A rest, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Its end. Of what is dead, the moment of one more try; `Duration::MAX` is never.
    pub until: Duration,
    /// The fault that began it.
    pub why: Kind,
    /// The quota Google named.
    pub quota_id: Option<String>,
    /// Whether it is not a rest but the end.
    pub dead: bool,
}

/// A probe that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// When it is waited for no longer.
    expires: Duration,
    /// Whether this process makes it.
    ours: bool,
}

/// Why something failed.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    pub penalty: Penalty,
    pub kind: Kind,
    pub quota_id: Option<&'a str>,
}

impl Breaker {
    /// Whether the guarded may be used now.
    pub fn gate(&self, now: Duration) -> Gate {
        match &self.state {
            _ if self.disabled => Gate::Disabled,
            State::Closed => Gate::Open,
            State::Ramp { width, pending } if pending < width => Gate::Open,
            State::Ramp { .. } => Gate::Busy(Kind::RateLimited),
            State::Out { rest, probe } => {
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

    /// Takes it into use: the epoch to report under. After a rest, that is the probe.
    pub fn take(&mut self, now: Duration, policy: &Policy) -> u64 {
        let probing = self.gate(now) == Gate::Probe;
        match &mut self.state {
            State::Out { probe, .. } if probing => {
                // Whoever made a probe that has expired is late: a new epoch tells the two apart.
                self.epoch += u64::from(probe.is_some_and(|probe| probe.ours));
                *probe = Some(Probe { expires: now.saturating_add(policy.probe_expires), ours: true });
            }
            State::Ramp { pending, .. } => *pending += 1,
            State::Closed | State::Out { .. } => {}
        }
        self.epoch
    }

    /// It worked. Whether that ended a rest.
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
            State::Out { .. } => {
                self.state = State::Ramp { width: 2, pending: 0 };
                self.struck = now;
                self.epoch += 1;
                true
            }
            State::Ramp { width, pending } => {
                *pending = pending.saturating_sub(1);
                *width = width.saturating_mul(2);
                if *width > RAMP_ENDS {
                    // No new epoch: what is under way still has a say.
                    self.state = State::Closed;
                }
                false
            }
        }
    }

    /// It failed. Whether it stands differently now. `until` never gets earlier, whoever reports.
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
                let enough = self.failures >= policy.failures || (policy.by_rate && self.recent.mostly_bad());
                if !enough && self.state == State::Closed {
                    return false;
                }
                (now.saturating_add(policy.backoff(strikes, chance)), false)
            }
        };
        let before = self.rest().filter(|rest| !rest.dead).map_or(Duration::ZERO, |rest| rest.until);
        let quota_id = cause.quota_id.map(str::to_owned);
        let rest = Rest { until: until.max(before), why: cause.kind, quota_id, dead };
        (self.strikes, self.struck) = (strikes.saturating_add(1), rest.until);
        self.state = State::Out { rest, probe: None };
        (self.failures, self.recent) = (0, FailureRate::default());
        self.epoch += 1;
        true
    }

    /// A late report of a failure that counted already may still know of a longer rest. When the rest is over, the probe says more.
    fn late_report(&mut self, penalty: Penalty, now: Duration) -> bool {
        match (&mut self.state, penalty) {
            (State::Out { rest, .. }, Penalty::Until(until))
                if !rest.dead && now < rest.until && rest.until < until =>
            {
                rest.until = until;
                self.struck = until;
                true
            }
            _ => false,
        }
    }

    /// It was given back without a word about the guarded: a client left, or something else failed. A probe may be made again.
    pub fn released(&mut self, epoch: u64) {
        match &mut self.state {
            _ if epoch != self.epoch => {}
            State::Closed => {}
            State::Out { probe, .. } => *probe = None,
            State::Ramp { pending, .. } => *pending = pending.saturating_sub(1),
        }
    }

    /// Somebody else makes the probe. What comes of it will be told; it is asked for again at this moment.
    pub fn is_probed_elsewhere(&mut self, until: Duration) {
        if let State::Out { probe, .. } = &mut self.state {
            *probe = Some(Probe { expires: until, ours: false });
        }
    }

    /// Everything is forgiven, and what was under way will not count. What was disabled stays so.
    pub fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, disabled: self.disabled, ..Self::default() };
    }

    /// Takes it out of use, or back into it, as an operator wants. Whether that is a change.
    pub fn disable(&mut self, disabled: bool) -> bool {
        let changed = std::mem::replace(&mut self.disabled, disabled) != disabled;
        self.epoch += u64::from(changed);
        changed
    }

    /// Rests in a row, those forgotten that are long past.
    pub fn strikes(&self, now: Duration) -> u32 {
        let faded = now.saturating_sub(self.struck).as_secs() / STRIKE_FADES.as_secs();
        self.strikes.saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX))
    }

    /// The rest it is in, or has not recovered from.
    pub fn rest(&self) -> Option<&Rest> {
        match &self.state {
            State::Out { rest, .. } => Some(rest),
            State::Closed | State::Ramp { .. } => None,
        }
    }
}
