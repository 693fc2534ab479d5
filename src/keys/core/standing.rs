//! Breakers as others remember them: on disk, or in other replicas. Two memories of one breaker are joined so that neither order
//! nor repetition matters: the newer epoch wins, of equal epochs the stricter state, and a rest is never cut short but by an
//! epoch in which there is none.

use std::time::Duration;

use super::breaker::{Breaker, Rest, State};
use super::sentence::LONGEST_REST;
use crate::clock::Moment;
use crate::fault::Kind;
use crate::store::{Scope, Standing};

impl Breaker {
    /// How it stands.
    pub fn standing(&self, scope: Scope, now: Moment) -> Standing {
        let rest = self.rest();
        Standing {
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

    /// Takes in how somebody else says that it stands.
    pub fn merge(&mut self, theirs: &Standing, now: Moment) {
        let ours = self.rest().cloned();
        let rest = rest(theirs, now);
        if theirs.epoch < self.epoch {
            if let (Some(ours), Some(rest)) = (ours, rest)
                && !ours.dead
                && !rest.dead
            {
                self.lie(Rest { until: ours.until.max(rest.until), ..ours });
            }
            return;
        }
        let newer = theirs.epoch > self.epoch;
        let strikes = self.strikes(now.since_start);
        self.epoch = theirs.epoch;
        self.strikes = if newer { theirs.strikes } else { strikes.max(theirs.strikes) };
        self.disabled = theirs.disabled || (!newer && self.disabled);
        match (ours, rest) {
            // Dead stays dead in its epoch.
            (Some(ours), _) if ours.dead && !newer => {}
            (Some(ours), Some(rest)) if !ours.dead && !rest.dead => {
                let until = ours.until.max(rest.until);
                self.lie(Rest { until, ..rest });
            }
            (_, Some(rest)) => self.lie(rest),
            (_, None) if newer => {
                self.state = State::Closed;
                self.struck = now.since_start;
            }
            (_, None) => {}
        }
    }

    fn lie(&mut self, rest: Rest) {
        self.struck = if rest.dead { self.struck } else { rest.until };
        self.state = State::Out { rest, probe: None };
    }
}

/// The rest that somebody else tells of, on our own monotonic clock: clocks of two machines may differ, so only what is left of it
/// counts.
fn rest(theirs: &Standing, now: Moment) -> Option<Rest> {
    let until = match theirs.until {
        Some(until) => {
            let left = Duration::try_from(until.duration_since(now.wall)).unwrap_or_default();
            now.since_start.saturating_add(left.min(LONGEST_REST))
        }
        None if theirs.dead => Duration::MAX,
        None => return None,
    };
    let why = theirs.why.unwrap_or(Kind::Unknown);
    Some(Rest { until, why, quota_id: theirs.quota_id.clone(), dead: theirs.dead })
}
