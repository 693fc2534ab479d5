//! The penalty for a fault: how long the cooldown lasts, and whether Google's hint or our own backoff decides it.

use std::time::Duration;

use crate::clock::Moment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::settings::CooldownSettings;
use crate::pacific::until_midnight;

/// The longest cooldown anyone can ask for: 25 hours, the length of the day on which daylight saving time ends.
pub const MAX_COOLDOWN: Duration = Duration::from_secs(25 * 3600);
/// Cooldown for a model that the key's project has no access to.
const NO_ACCESS: Duration = Duration::from_secs(24 * 3600);
/// Cooldown for faults that only an operator can fix: an account without credit, or an unsupported country.
const OPERATOR_FAULT: Duration = Duration::from_secs(3600);
/// Backoff is lengthened by up to this share, so that keys that failed together do not come back together.
const JITTER: f64 = 0.1;

/// How long cooldowns last when Google names no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The first cooldown; each further one in a row doubles it.
    pub base: Duration,
    /// The longest cooldown.
    pub max: Duration,
    /// Failures in a row that start a cooldown.
    pub failures: u32,
    /// Whether more failures than successes start one too.
    pub by_rate: bool,
    /// A probe that has not been reported on within this time is abandoned.
    pub probe_expires: Duration,
    /// How long after a 401 a key is tried again; None means never.
    pub revive: Option<Duration>,
}

impl Policy {
    /// The policy for overloaded models: five failures in a row, or more failures than successes, block the model, for
    /// seconds only. Because this affects every client, the model is soon tried again, and a slow probe does not keep
    /// it blocked.
    pub const MODEL: Self = Self {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        failures: 5,
        by_rate: true,
        probe_expires: Duration::from_secs(5),
        revive: None,
    };

    /// The cooldown after `strikes` earlier ones in a row. `chance`, in `0.0..1.0`, sets the jitter.
    pub fn backoff(&self, strikes: u32, chance: f64) -> Duration {
        let doubled = self.base.saturating_mul(2u32.saturating_pow(strikes)).min(self.max);
        doubled.saturating_add(doubled.mul_f64(JITTER * chance.clamp(0.0, 1.0)))
    }
}

impl From<&CooldownSettings> for Policy {
    fn from(settings: &CooldownSettings) -> Self {
        Self {
            base: settings.base,
            max: settings.max,
            failures: settings.failures,
            by_rate: false,
            probe_expires: Duration::from_secs(30),
            revive: settings.revive,
        }
    }
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// A cooldown until this time, at most 25 hours ahead.
    Until(Duration),
    /// A cooldown that grows with each further one in a row.
    Backoff,
    /// Out of use for good, except for one more try at this time, if there is one.
    Dead(Option<Duration>),
}

impl Penalty {
    /// The penalty for a fault. An exhausted daily quota lasts until Google's midnight even if the hint speaks of
    /// seconds; otherwise Google's hint takes precedence.
    pub fn of(fault: &Fault, now: Moment, policy: &Policy) -> Self {
        let after = |rest: Duration| Self::Until(now.since_start.saturating_add(rest.min(MAX_COOLDOWN)));
        match (fault.kind, fault.retry_after) {
            // A 401 may be a transient problem with credentials at Google; its other errors about keys are final.
            (Kind::KeyInvalid, _) if fault.status == Some(401) => {
                Self::Dead(policy.revive.map(|after| now.since_start.saturating_add(after)))
            }
            (Kind::KeyInvalid | Kind::KeyBlocked, _) => Self::Dead(None),
            (Kind::DayQuota, _) => after(until_midnight(now)),
            (Kind::ModelNotForKey, _) => after(NO_ACCESS),
            (Kind::Billing | Kind::Location, hint) => after(hint.unwrap_or(OPERATOR_FAULT)),
            // The hint for an overloaded model is not reliable; its cooldowns stay short.
            (_, Some(hint)) if fault.blame != Blame::Model => after(hint),
            _ => Self::Backoff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::from(&CooldownSettings::default())
    }

    #[test]
    fn what_each_fault_calls_for() {
        let now = Moment { since_start: Duration::from_secs(10), wall: "2026-11-24T12:00:00Z".parse().unwrap() };
        let until = |seconds: u64| Penalty::Until(Duration::from_secs(10 + seconds));
        let hint = Some(Duration::from_secs(7));
        // Noon UTC is 4 a.m. in Los Angeles: 20 hours until the day there is over.
        for (kind, blame, status, hint, expected) in [
            (Kind::KeyInvalid, Blame::Key, Some(400), hint, Penalty::Dead(None)),
            (Kind::KeyInvalid, Blame::Key, Some(401), hint, Penalty::Dead(None)),
            (Kind::KeyBlocked, Blame::Key, Some(403), hint, Penalty::Dead(None)),
            (Kind::DayQuota, Blame::Quota, Some(429), hint, until(20 * 3600)),
            (Kind::ModelNotForKey, Blame::Quota, Some(429), hint, until(24 * 3600)),
            (Kind::Billing, Blame::Key, Some(402), None, until(3600)),
            (Kind::Location, Blame::Key, Some(400), hint, until(7)),
            (Kind::RateLimited, Blame::Quota, Some(429), hint, until(7)),
            (Kind::RateLimited, Blame::Quota, Some(429), None, Penalty::Backoff),
            (Kind::RateLimited, Blame::Quota, Some(429), Some(Duration::MAX), until(25 * 3600)),
            (Kind::Overloaded, Blame::Model, Some(503), hint, Penalty::Backoff),
        ] {
            let told = Fault { status, retry_after: hint, ..Fault::new(kind, blame, "") };
            assert_eq!(Penalty::of(&told, now, &policy()), expected, "{kind:?} {status:?}");
        }
        let revive = Policy { revive: Some(Duration::from_secs(60)), ..policy() };
        for (status, again) in [(401, Some(Duration::from_secs(70))), (400, None)] {
            let refused = Fault { status: Some(status), ..Fault::new(Kind::KeyInvalid, Blame::Key, "") };
            assert_eq!(Penalty::of(&refused, now, &revive), Penalty::Dead(again), "{status}");
        }
    }

    #[test]
    fn rests_double_up_to_the_longest_and_chance_adds_a_tenth() {
        let policy = Policy { base: Duration::from_secs(4), max: Duration::from_secs(30), ..policy() };
        for (strikes, chance, seconds) in [
            (0, 0.0, 4.0),
            (1, 0.0, 8.0),
            (2, 0.0, 16.0),
            (3, 0.0, 30.0),
            (99, 0.0, 30.0),
            (0, 1.0, 4.4),
            (1, 0.5, 8.4),
            (0, 7.0, 4.4),
        ] {
            assert_eq!(policy.backoff(strikes, chance), Duration::from_secs_f64(seconds), "{strikes} {chance}");
        }
    }
}
