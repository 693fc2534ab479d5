//! What goes over the wire about one breaker.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::Kind;
use crate::store::{Scope, Standing};

/// How a breaker stands, with what is left of its rest in place of its end: clocks of two machines may differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    scope: Scope,
    epoch: u64,
    strikes: u32,
    /// What is left of its rest, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<f64>,
    dead: bool,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_id: Option<String>,
}

impl Word {
    /// What is said of this standing, now.
    pub fn of(standing: &Standing, now: Timestamp) -> Self {
        let left = |until: Timestamp| until.duration_since(now).as_millis().max(0) as f64;
        Self {
            scope: standing.scope.clone(),
            epoch: standing.epoch,
            strikes: standing.strikes,
            left: standing.until.map(left),
            dead: standing.dead,
            disabled: standing.disabled,
            why: standing.why.map(|why| why.name().to_owned()),
            quota_id: standing.quota_id.clone(),
        }
    }

    /// The standing that it speaks of, heard now.
    pub fn standing(self, now: Timestamp) -> Standing {
        let until = |left: f64| {
            let left = Duration::try_from_secs_f64(left / 1000.0).unwrap_or_default();
            now.saturating_add(left).unwrap_or(Timestamp::MAX)
        };
        Standing {
            scope: self.scope,
            epoch: self.epoch,
            strikes: self.strikes,
            until: self.left.map(until),
            dead: self.dead,
            disabled: self.disabled,
            why: self.why.map(|why| Kind::named(&why).unwrap_or(Kind::Unknown)),
            quota_id: self.quota_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_as_long_on_another_clock() {
        let [now, until]: [Timestamp; 2] =
            ["2026-11-24T21:00:00Z", "2026-11-24T21:01:00Z"].map(|text| text.parse().unwrap());
        let scope = Scope::Key("aaaaaaaaaaaa".into());
        let (why, quota_id) = (Some(Kind::RateLimited), None);
        let standing =
            Standing { scope, epoch: 2, strikes: 1, until: Some(until), dead: false, disabled: false, why, quota_id };
        let text = serde_json::to_string(&Word::of(&standing, now)).unwrap();
        let elsewhere: Timestamp = "2026-11-24T23:30:00Z".parse().unwrap();
        let heard = serde_json::from_str::<Word>(&text).unwrap().standing(elsewhere);
        let until = Some("2026-11-24T23:31:00Z".parse().unwrap());
        assert_eq!(heard, Standing { until, ..standing });
    }
}
