//! What models were found to refuse, so that the next request does not try it again.

use std::time::Duration;

use moka::sync::Cache;

use crate::fault::Remedies;
use crate::model::ModelName;

/// Moving names lead elsewhere some day: then it is tried anew.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// Models that are remembered: more than there are.
const MOST: u64 = 1000;

/// The memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Refusals(Cache<ModelName, Remedies>);

impl Refusals {
    /// What is to be done for this model from the start.
    pub fn of(&self, model: &ModelName) -> Remedies {
        self.0.get(model).unwrap_or_default()
    }

    /// Keeps what helped. Signatures are a matter of one conversation, not of the model.
    pub fn keep(&self, model: &ModelName, remedies: Remedies) {
        if remedies.no_thinking {
            self.0.insert(model.clone(), Remedies { placeholder_signatures: false, ..remedies });
        }
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(KEPT).build())
    }
}
