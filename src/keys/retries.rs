//! Limits how many requests may retry a model at the same time. Retries help against a transient fault but aggravate a
//! persistent one: when everything fails, each request must not be sent four times.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use crate::model::ModelName;
use crate::sync::{Mutex, MutexGuard};

/// This many requests may always retry.
const FEW: usize = 3;
/// Beyond that, one in this many active requests may.
const SHARE: usize = 5;

/// The retry budget, per model. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RetryBudget(Arc<Mutex<HashMap<ModelName, Load>>>);

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    active: usize,
    retrying: usize,
}

/// A request that is active on a model, until it is dropped.
#[derive(Debug)]
pub struct Active {
    budget: RetryBudget,
    model: ModelName,
    retrying: bool,
}

impl RetryBudget {
    /// Registers a request on a model.
    pub fn begin(&self, model: &ModelName) -> Active {
        self.loads().entry(model.clone()).or_default().active += 1;
        Active { budget: self.clone(), model: model.clone(), retrying: false }
    }

    fn loads(&self) -> MutexGuard<'_, HashMap<ModelName, Load>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    /// Whether this request may retry. Once it may, it counts as retrying until it is dropped.
    pub fn may_retry(&mut self) -> bool {
        let mut loads = self.budget.loads();
        let load = loads.entry(self.model.clone()).or_default();
        if !self.retrying && load.retrying < FEW.max(load.active / SHARE) {
            load.retrying += 1;
            self.retrying = true;
        }
        self.retrying
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut loads = self.budget.loads();
        if let Some(load) = loads.get_mut(&self.model) {
            load.active -= 1;
            load.retrying -= usize::from(self.retrying);
            if load.active == 0 {
                loads.remove(&self.model);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_always_may_and_then_one_in_five() {
        let budget = RetryBudget::default();
        let model = ModelName::parse("gemini-2.5-flash").unwrap();
        let mut active: Vec<Active> = (0..100).map(|_| budget.begin(&model)).collect();
        assert_eq!(active.iter_mut().filter_map(|active| active.may_retry().then_some(())).count(), 20);
        assert!(active[0].may_retry(), "who retries already may go on");
        active.truncate(10);
        assert_eq!(active.iter_mut().filter_map(|active| active.may_retry().then_some(())).count(), 10);
        drop(active);
        let mut few: Vec<Active> = (0..5).map(|_| budget.begin(&model)).collect();
        assert_eq!(few.iter_mut().filter_map(|active| active.may_retry().then_some(())).count(), 3);
        drop(few);
        assert!(budget.loads().is_empty(), "nothing is kept of models that nobody uses");
    }
}
