//! Settings of `[store]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Problems};

/// What outlives a restart. Any change of it needs a restart.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// The folder for what outlives a restart: how keys rest, and what they have used. Empty: nothing is kept on disk. A folder
    /// that cannot be written to, or that another process uses, is said in the log, and all goes on in memory.
    pub dir: PathBuf,
    /// For how many days what keys have used is kept.
    pub keep_days: u16,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { dir: "data".into(), keep_days: 35 }
    }
}

impl StoreSettings {
    /// Checks what can be checked without reaching out to anything.
    pub fn check(&self, problems: &mut Problems) {
        if !(1..=400).contains(&self.keep_days) {
            problems.push(Problem::error("must be between 1 and 400").at("store.keep_days"));
        }
    }
}
