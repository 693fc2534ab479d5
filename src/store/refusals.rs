//! What models were found to reject, so that the next request does not try it again.

use std::time::Duration;

use moka::sync::Cache;

use crate::fault::Remedies;
use crate::model::ModelName;

/// A moving model name will point elsewhere some day, so what was rejected is tried again after this time.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// Limit on remembered models: more than there are.
const MOST: u64 = 1000;

/// What is remembered about models. Clones share it.
#[derive(Clone, Debug)]
pub struct Refusals(Cache<ModelName, Remedies>);

impl Refusals {
    /// What to change in requests for this model from the start.
    pub fn of(&self, model: &ModelName) -> Remedies {
        self.0.get(model).unwrap_or_default()
    }

    /// Remembers what helped. Signatures concern a single conversation, not the model.
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
