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
pub enum Sentence {
    /// A rest until this moment.
    Until(Duration),
    /// A rest that grows with each one in a row.
    Backoff,
    /// No use any more; one more try at this moment, if there is one.
    Death(Option<Duration>),
}

impl Sentence {
    /// What this fault calls for. A day's quota lasts until Google's midnight even when the hint speaks of seconds; else
    /// Google's own time wins.
    pub fn of(fault: &Fault, now: Moment, policy: &Policy) -> Self {
        let after = |rest: Duration| Self::Until(now.since_start.saturating_add(rest));
        match (fault.kind, fault.retry_after) {
            // A 401 may be Google's own passing trouble with credentials; its other words about keys are final.
            (Kind::KeyInvalid, _) if fault.status == Some(401) => {
                Self::Death(policy.revive.map(|after| now.since_start.saturating_add(after)))
            }
            (Kind::KeyInvalid | Kind::KeyBlocked, _) => Self::Death(None),
            (Kind::DayQuota, _) => after(until_midnight(now)),
            (Kind::ModelNotForKey, _) => after(NO_ACCESS),
            (Kind::Billing | Kind::Location, hint) => after(hint.unwrap_or(OPERATORS_MATTER)),
            // A model that is overloaded says nothing reliable about when; its rests stay short.
            (_, Some(hint)) if fault.blame != Blame::Model => after(hint),
            _ => Self::Backoff,
        }
    }
}
