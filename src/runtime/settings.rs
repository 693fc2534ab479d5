//! Settings of `[runtime]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How configurations take each other's place.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeSettings {
    /// The folder that keeps the last 20 configurations that were accepted, for `gemini-adapter config history` and `rollback`. Their
    /// secrets are not kept. Empty: nothing is kept beyond the process. A change needs a restart.
    pub dir: PathBuf,
    /// Whether a start with a configuration that is refused goes on with the last one that was accepted, and says so loudly,
    /// instead of not starting. It counts as the last accepted one has it.
    pub start_from_last_good: bool,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self { dir: "data/config".into(), start_from_last_good: false }
    }
}
