//! Settings of `[runtime]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the configuration is reloaded and its history kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeSettings {
    /// The folder for the last 20 accepted configurations, used by `gemini-adapter config history` and `rollback`.
    /// Secrets are not stored. If empty, the history is kept in memory only. A change needs a restart.
    pub dir: PathBuf,
    /// How file changes are detected.
    pub watch: Watching,
    /// Whether a start with a rejected configuration falls back to the last accepted one, with a prominent error in the
    /// log, instead of failing. The value in the last accepted configuration applies.
    pub start_from_last_good: bool,
}

/// How file changes are detected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Watching {
    /// By notifications from the system. In addition, all files are read again every three seconds.
    #[default]
    Events,
    /// All files are read again every three seconds. For network file systems, which send no notifications.
    Poll,
    /// Not at all. Reload with `gemini-adapter reload`, `POST /admin/reload` or SIGHUP.
    Off,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self { dir: "data/config".into(), watch: Watching::Events, start_from_last_good: false }
    }
}
