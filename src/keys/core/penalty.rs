//! What a fault calls for: how long its rest is, and whose word counts.

use std::time::Duration;

use crate::clock::Moment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::settings::CooldownSettings;
use crate::pacific::until_midnight;

/// Longest rest anyone can ask for: a day of 25 hours, when summer time ends.
pub const LONGEST_REST: Duration = Duration::from_secs(25 * 3600);
/// A model that a key's project has no access to is asked for again after this long.
const NO_ACCESS: Duration = Duration::from_secs(24 * 3600);
/// An empty account, or a wrong country, is looked at again after this long.
const OPERATORS_MATTER: Duration = Duration::from_secs(3600);
/// Guessed rests are lengthened by up to this share, so that keys that failed together do not come back together.
const JITTER: f64 = 0.1;

/// How long rests are for which Google names no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The first rest; it doubles.
    pub base: Duration,
    /// The longest one.
    pub max: Duration,
    /// Failures in a row that lead to one.
    pub failures: u32,
    /// Whether more failures than answers lead to one too.
    pub by_rate: bool,
    /// A probe that nobody has reported on by then is forgotten.
    pub probe_expires: Duration,
    /// After how long a key that was refused with a 401 is tried again; None is never.
    pub revive: Option<Duration>,
}

impl Policy {
    /// Of models that are overloaded: five failures in a row, or more failures than answers, close the way to one, for seconds
    /// only. It is every client's way,
    /// so it opens again soon, and a slow probe does not hold it shut.
    pub const MODEL: Self = Self {
        base: Duration::from_secs(1),
        max: Duration::from_secs(30),
        failures: 5,
        by_rate: true,
        probe_expires: Duration::from_secs(5),
        revive: None,
    };

    /// The rest after so many others in a row. `chance` is in `0.0..1.0`.
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

/// What a failure calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// A rest until this moment, in a day of 25 hours at the latest.
    Until(Duration),
    /// A rest that grows with each one in a row.
    Backoff,
    /// No use any more; one more try at this moment, if there is one.
    Dead(Option<Duration>),
}

impl Penalty {
    /// What this fault calls for. A day's quota lasts until Google's midnight even when the hint speaks of seconds; else
    /// Google's own time wins.
    pub fn of(fault: &Fault, now: Moment, policy: &Policy) -> Self {
        let after = |rest: Duration| Self::Until(now.since_start.saturating_add(rest.min(LONGEST_REST)));
        match (fault.kind, fault.retry_after) {
            // A 401 may be Google's own passing trouble with credentials; its other words about keys are final.
            (Kind::KeyInvalid, _) if fault.status == Some(401) => {
                Self::Dead(policy.revive.map(|after| now.since_start.saturating_add(after)))
            }
            (Kind::KeyInvalid | Kind::KeyBlocked, _) => Self::Dead(None),
            (Kind::DayQuota, _) => after(until_midnight(now)),
            (Kind::ModelNotForKey, _) => after(NO_ACCESS),
            (Kind::Billing | Kind::Location, hint) => after(hint.unwrap_or(OPERATORS_MATTER)),
            // A model that is overloaded says nothing reliable about when; its rests stay short.
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
        // Noon in London is 4 o'clock in Los Angeles: 20 hours until the day there is over.
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
