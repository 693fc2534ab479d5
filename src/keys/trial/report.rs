//! The result of a trial.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::model::ModelName;

/// The result of a trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Requests in the traffic.
    pub requests: usize,
    /// Number of keys.
    pub keys: usize,
    /// Number of projects the keys belong to.
    pub projects: usize,
    /// The seed.
    pub seed: u64,
    /// One row per policy.
    pub policies: Vec<Row>,
}

/// The result of one policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the policy.
    pub policy: &'static str,
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that were rejected with status 429.
    pub client_429s: u64,
    /// Calls to Google.
    pub calls: u64,
    /// Calls that Google rejected.
    pub google_429s: u64,
    /// The most rejections of one key and model while one quota was used up. 1 is the lowest possible value.
    pub most_refusals_in_a_rest: u64,
    /// Requests that waited.
    pub waits: u64,
    /// The longest wait, in seconds.
    pub longest_wait_s: f64,
    #[serde(skip)]
    rests: HashMap<(usize, ModelName, Duration), u64>,
}

impl Row {
    pub(super) fn new(policy: &'static str) -> Self {
        Self {
            policy,
            answered: 0,
            client_429s: 0,
            calls: 0,
            google_429s: 0,
            most_refusals_in_a_rest: 0,
            waits: 0,
            longest_wait_s: 0.0,
            rests: HashMap::new(),
        }
    }

    pub(super) fn answered(&mut self, waited: Duration) {
        self.answered += 1;
        self.waits += u64::from(!waited.is_zero());
        self.longest_wait_s = self.longest_wait_s.max(waited.as_secs_f64());
    }

    pub(super) fn refused(&mut self) {
        self.client_429s += 1;
    }

    pub(super) fn refused_by_google(&mut self, key: usize, model: &ModelName, rest_ends: Duration) {
        self.google_429s += 1;
        let times = self.rests.entry((key, model.clone(), rest_ends)).or_default();
        *times += 1;
        self.most_refusals_in_a_rest = self.most_refusals_in_a_rest.max(*times);
    }
}
