//! Merges breaker states remembered elsewhere: on disk, or in other replicas. Neither order nor repetition of merges
//! matters: the newer epoch wins, within one epoch the stricter state wins, and a cooldown is never shortened except by
//! a newer epoch without one.

use std::time::Duration;

use super::breaker::{Breaker, Cooldown, State};
use super::penalty::MAX_COOLDOWN;
use crate::clock::Moment;
use crate::fault::Kind;
use crate::store::{BreakerState, Scope};

impl Breaker {
    /// Exports the state.
    pub fn export(&self, scope: Scope, now: Moment) -> BreakerState {
        let rest = self.rest();
        BreakerState {
            scope,
            epoch: self.epoch,
            strikes: self.strikes(now.since_start),
            until: rest.filter(|rest| rest.until != Duration::MAX).map(|rest| now.wall_at(rest.until)),
            dead: rest.is_some_and(|rest| rest.dead),
            disabled: self.disabled,
            why: rest.map(|rest| rest.why),
            quota_id: rest.and_then(|rest| rest.quota_id.clone()),
        }
    }

    /// Merges a state from another replica or from disk.
    pub fn merge(&mut self, theirs: &BreakerState, now: Moment) {
        let ours = self.rest().cloned();
        let rest = rest(theirs, now);
        if theirs.epoch < self.epoch {
            if let (Some(ours), Some(rest)) = (ours, rest)
                && !ours.dead
                && !rest.dead
            {
                self.lie(Cooldown { until: ours.until.max(rest.until), ..ours });
            }
            return;
        }
        let newer = theirs.epoch > self.epoch;
        let strikes = self.strikes(now.since_start);
        self.epoch = theirs.epoch;
        self.strikes = if newer { theirs.strikes } else { strikes.max(theirs.strikes) };
        self.disabled = theirs.disabled || (!newer && self.disabled);
        match (ours, rest) {
            // A dead breaker stays dead within its epoch.
            (Some(ours), _) if ours.dead && !newer => {}
            (Some(ours), Some(rest)) if !ours.dead && !rest.dead => {
                let until = ours.until.max(rest.until);
                self.lie(Cooldown { until, ..rest });
            }
            (_, Some(rest)) => self.lie(rest),
            (_, None) if newer => {
                self.state = State::Closed;
                self.struck = now.since_start;
            }
            (_, None) => {}
        }
    }

    fn lie(&mut self, rest: Cooldown) {
        self.struck = rest.until;
        self.state = State::Tripped { rest, probe: None };
    }
}

/// Converts a reported cooldown to our own monotonic clock. The clocks of two machines may differ, so only the time
/// left counts, and at most `MAX_COOLDOWN` of it.
fn rest(theirs: &BreakerState, now: Moment) -> Option<Cooldown> {
    let until = match theirs.until {
        Some(until) => {
            let left = Duration::try_from(until.duration_since(now.wall)).unwrap_or_default();
            now.since_start.saturating_add(left.min(MAX_COOLDOWN))
        }
        None if theirs.dead => Duration::MAX,
        None => return None,
    };
    let why = theirs.why.unwrap_or(Kind::Unknown);
    Some(Cooldown { until, why, quota_id: theirs.quota_id.clone(), dead: theirs.dead })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Moment {
        let wall = "2026-11-24T12:00:00Z".parse().unwrap();
        Moment { since_start: Duration::from_secs(1000), wall }
    }

    fn scope() -> Scope {
        Scope::Key("0123456789ab".into())
    }

    const NONE: (Option<u64>, bool) = (None, false);
    const DEAD: (Option<u64>, bool) = (None, true);

    const fn rest(seconds: u64) -> (Option<u64>, bool) {
        (Some(seconds), false)
    }

    /// A state in this epoch, with as many strikes as its number and a cause of its own, out of use for these seconds
    /// or dead.
    fn standing(epoch: u64, (seconds, dead): (Option<u64>, bool)) -> BreakerState {
        let until = seconds.map(|seconds| now().plus(Duration::from_secs(seconds)).wall);
        let strikes = u32::try_from(epoch).unwrap();
        let why = (seconds.is_some() || dead).then_some(if epoch == 1 { Kind::Billing } else { Kind::Location });
        BreakerState { scope: scope(), epoch, strikes, until, dead, disabled: false, why, quota_id: None }
    }

    fn met(ours: &BreakerState, theirs: &BreakerState) -> BreakerState {
        let mut breaker = Breaker::default();
        breaker.merge(ours, now());
        breaker.merge(theirs, now());
        breaker.export(scope(), now())
    }

    #[test]
    fn of_two_memories_the_newer_counts_and_no_rest_is_cut_short() {
        let table = [
            // An older state can contribute a longer cooldown, and nothing else.
            ((2, rest(10)), (1, rest(20)), (2, rest(20))),
            ((2, rest(20)), (1, rest(10)), (2, rest(20))),
            ((2, rest(10)), (1, DEAD), (2, rest(10))),
            ((2, rest(10)), (1, NONE), (2, rest(10))),
            ((2, DEAD), (1, rest(10)), (2, DEAD)),
            ((2, NONE), (1, rest(10)), (2, NONE)),
            ((2, NONE), (1, DEAD), (2, NONE)),
            // Within one epoch the stricter state wins.
            ((2, rest(10)), (2, rest(20)), (2, rest(20))),
            ((2, rest(20)), (2, rest(10)), (2, rest(20))),
            ((2, rest(10)), (2, DEAD), (2, DEAD)),
            ((2, DEAD), (2, rest(10)), (2, DEAD)),
            ((2, rest(10)), (2, NONE), (2, rest(10))),
            ((2, NONE), (2, rest(10)), (2, rest(10))),
            // A newer state wins; a cooldown ends early only if the newer state has none.
            ((1, rest(20)), (2, rest(10)), (2, rest(20))),
            ((1, rest(10)), (2, rest(20)), (2, rest(20))),
            ((1, rest(10)), (2, NONE), (2, NONE)),
            ((1, rest(10)), (2, DEAD), (2, DEAD)),
            ((1, DEAD), (2, NONE), (2, NONE)),
            ((1, DEAD), (2, rest(10)), (2, rest(10))),
            // The time of one more try is taken over as it is, whatever was known.
            ((1, DEAD), (2, (Some(10), true)), (2, (Some(10), true))),
            ((1, rest(20)), (2, (Some(10), true)), (2, (Some(10), true))),
            ((1, (Some(20), true)), (2, rest(10)), (2, rest(10))),
        ];
        for (ours, theirs, expected) in table {
            let [ours, theirs, expected] = [ours, theirs, expected].map(|(epoch, out)| standing(epoch, out));
            assert_eq!(met(&ours, &theirs), expected, "{ours:?} and {theirs:?}");
        }
    }

    #[test]
    fn what_an_operator_has_disabled_stays_so_until_somebody_knows_better() {
        let disabled = |epoch, disabled| BreakerState { disabled, ..standing(epoch, NONE) };
        for (ours, theirs, expected) in [
            ((2, true), (1, false), true),
            ((2, false), (1, true), false),
            ((2, true), (2, false), true),
            ((2, false), (2, true), true),
            ((1, true), (2, false), false),
            ((1, false), (2, true), true),
        ] {
            let told = met(&disabled(ours.0, ours.1), &disabled(theirs.0, theirs.1));
            assert_eq!(told.disabled, expected, "{ours:?} and {theirs:?}");
        }
    }

    #[test]
    fn of_the_same_age_the_more_strikes_count() {
        let strikes = |strikes| BreakerState { strikes, ..standing(2, rest(10)) };
        assert_eq!(met(&strikes(3), &strikes(4)).strikes, 4);
        assert_eq!(met(&strikes(4), &strikes(3)).strikes, 4);
    }
}
