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
    /// How changes of files are noticed.
    pub watch: Watching,
    /// Whether a start with a configuration that is refused goes on with the last one that was accepted, and says so loudly,
    /// instead of not starting. It counts as the last accepted one has it.
    pub start_from_last_good: bool,
}

/// How changes of files are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Watching {
    /// The system tells of them; besides, all files are read again every three seconds.
    #[default]
    Events,
    /// All files are read again every three seconds: for network file systems, which tell of nothing.
    Poll,
    /// Not at all: `gemini-adapter reload`, `POST /admin/reload` and SIGHUP load them.
    Off,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self { dir: "data/config".into(), watch: Watching::Events, start_from_last_good: false }
    }
}
