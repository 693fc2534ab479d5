//! Detects keys that probably belong to one project, although the configuration does not say so.
//!
//! Two keys whose daily quota is exhausted at the same time prove nothing: keys that share the traffic evenly reach
//! equal limits together. But when neither was sent as many requests as Google's own figure allows, and both are
//! rejected together, something else used up their quota, most likely the other key.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::civil::Date;

use crate::keys::key::KeyId;
use crate::model::ModelName;

/// Rejections at most this far apart count as simultaneous.
const TOGETHER: Duration = Duration::from_secs(2);
/// Number of occasions, each with a different day or model, that make it probable.
const OCCASIONS: usize = 2;
/// Limit on remembered rejections and on remembered pairs.
const MOST: usize = 256;

/// Evidence for keys that share a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Siblings {
    recent: VecDeque<(Duration, Refused)>,
    pairs: BTreeMap<(KeyId, KeyId), Vec<(Date, ModelName)>>,
}

/// A key was rejected because its daily quota is used up.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The key.
    pub key: KeyId,
    /// The model.
    pub model: ModelName,
    /// The Google day.
    pub day: Date,
}

impl Siblings {
    /// Records a rejection that the key's own usage does not explain. Returns the other key if a pair has just become
    /// probable.
    pub fn refused(&mut self, refused: Refused, now: Duration) -> Option<KeyId> {
        self.recent.retain(|(at, _)| now.saturating_sub(*at) <= TOGETHER);
        let mut found = None;
        for (_, other) in &self.recent {
            if other.key == refused.key || (other.day, &other.model) != (refused.day, &refused.model) {
                continue;
            }
            let pair = (other.key.clone().min(refused.key.clone()), other.key.clone().max(refused.key.clone()));
            if self.pairs.len() >= MOST && !self.pairs.contains_key(&pair) {
                continue;
            }
            let occasions = self.pairs.entry(pair).or_default();
            let occasion = (refused.day, refused.model.clone());
            if occasions.len() < OCCASIONS && !occasions.contains(&occasion) {
                occasions.push(occasion);
                if occasions.len() == OCCASIONS {
                    found = Some(other.key.clone());
                }
            }
        }
        if self.recent.len() < MOST {
            self.recent.push_back((now, refused));
        }
        found
    }

    /// Pairs of keys that probably belong to one project.
    pub fn probable(&self) -> impl Iterator<Item = &(KeyId, KeyId)> {
        self.pairs.iter().filter(|(_, occasions)| occasions.len() >= OCCASIONS).map(|(pair, _)| pair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Date = jiff::civil::date(2026, 11, 24);

    fn refused(key: &str, model: &str) -> Refused {
        Refused { key: KeyId::known(key), model: ModelName::parse(model).unwrap(), day: DAY }
    }

    /// All these keys are rejected at one time for the first of these models, at another time for the next.
    fn occasions(keys: &[String], models: &[&str]) -> Siblings {
        let mut siblings = Siblings::default();
        for (number, model) in (0..).zip(models) {
            keys.iter().for_each(|key| drop(siblings.refused(refused(key, model), TOGETHER * 2 * number)));
        }
        siblings
    }

    #[test]
    fn keys_are_kin_after_two_occasions_close_together() {
        let told = |events: &[(&str, &str, f64)]| {
            let mut siblings = Siblings::default();
            let found = events.iter().map(|(key, model, now)| {
                siblings.refused(refused(key, model), Duration::from_secs_f64(*now)).is_some()
            });
            (found.last().unwrap(), siblings.probable().count())
        };
        let once = [("one", "a", 0.0), ("two", "a", 2.0)];
        assert_eq!(told(&once), (false, 0));
        assert_eq!(told(&[once, [("one", "b", 9.0), ("two", "b", 11.0)]].concat()), (true, 1));
        assert_eq!(told(&[once, [("one", "b", 9.0), ("two", "b", 11.1)]].concat()), (false, 0), "not of one moment");
        assert_eq!(told(&[once, [("one", "a", 9.0), ("two", "a", 9.0)]].concat()), (false, 0), "the same occasion");
        assert_eq!(told(&[once, [("one", "b", 9.0), ("two", "c", 9.0)]].concat()), (false, 0), "of different models");
        assert_eq!(
            told(&[once, [("one", "b", 9.0), ("one", "b", 9.0)]].concat()),
            (false, 0),
            "a key is not its own kin"
        );
    }

    #[test]
    fn pairs_have_a_bound_and_those_that_are_known_go_on() {
        let keys: Vec<String> = (0..24).map(|number| format!("{number:012x}")).collect();
        assert_eq!(occasions(&keys, &["a", "b"]).probable().count(), MOST, "of 276");
    }

    #[test]
    fn refusals_of_one_moment_have_a_bound() {
        let mut keys = vec!["one".to_owned(); MOST - 1];
        keys.extend(["two", "three", "four"].map(str::to_owned));
        // The third and the fourth key exceeded the limit and were not remembered: each pairs with the two before, not
        // with the other.
        assert_eq!(occasions(&keys, &["a", "b"]).probable().count(), 5, "of 6");
    }

    #[test]
    fn more_occasions_than_are_needed_are_not_kept() {
        let keys = ["one", "two"].map(str::to_owned);
        assert_eq!(occasions(&keys, &["a", "b", "c", "d"]).pairs, occasions(&keys, &["a", "b"]).pairs);
    }
}
