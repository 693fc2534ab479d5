//! Keys that are probably of one project, although the configuration does not say so.
//!
//! Two keys that find a day's quota used up at the same moment prove nothing: keys that share the work evenly reach equal limits
//! together. But when neither was given as many requests as Google's own figure allows, and they are refused together, somebody
//! else used their quota up, and most likely the other one.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::civil::Date;

use crate::keys::key::KeyId;
use crate::model::ModelName;

/// Refusals this close are of one moment.
const TOGETHER: Duration = Duration::from_secs(2);
/// Occasions, each another day or model, that make it probable.
const OCCASIONS: usize = 2;
/// Refusals and pairs that are remembered.
const MOST: usize = 256;

/// What points to common projects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kinship {
    recent: VecDeque<(Duration, Refused)>,
    pairs: BTreeMap<(KeyId, KeyId), Vec<(Date, ModelName)>>,
}

/// A key was refused: its quota of the day is used up.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Which.
    pub key: KeyId,
    /// For which model.
    pub model: ModelName,
    /// On which of Google's days.
    pub day: Date,
}

impl Kinship {
    /// Takes note of a refusal that the key's own use does not explain; the key that turns out to be probably of the same project.
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

    /// Pairs that are probably of one project.
    pub fn probable(&self) -> impl Iterator<Item = &(KeyId, KeyId)> {
        self.pairs.iter().filter(|(_, occasions)| occasions.len() >= OCCASIONS).map(|(pair, _)| pair)
    }
}
