//! Settings of `[plugins]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where plugins are, and what they may spend.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PluginsSettings {
    /// Every `*.rhai` directly in this folder is live, in the order of priority, then name; `lib/*.rhai` is what they may import. A
    /// folder that is not there holds no plugins.
    pub dir: PathBuf,
    /// Plugins of the library that are live too, by name: `gemini-adapter plugin list --library` shows them.
    pub library: Vec<String>,
    /// Plugins that only show in the log what they would do, by name.
    pub shadow: Vec<String>,
    /// Whether each plugin's own tests, `tests/NAME.toml` in the folder, must pass before it goes live.
    pub run_tests: bool,
    /// Longest time one hook call may take. Time in which a busy machine does not let it work does not count.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Most operations one hook call may take.
    pub max_operations: u64,
    /// A table for each plugin by name, handed to it as `ctx.config`.
    pub settings: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
}

impl Default for PluginsSettings {
    fn default() -> Self {
        Self {
            dir: "plugins".into(),
            library: Vec::new(),
            shadow: Vec::new(),
            run_tests: true,
            timeout: Duration::from_millis(10),
            max_operations: 50_000,
            settings: BTreeMap::new(),
        }
    }
}
