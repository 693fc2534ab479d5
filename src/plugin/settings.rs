//! The `[plugins]` settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where plugins are, and how much they may use.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PluginsSettings {
    /// Every `*.rhai` file directly in this folder is live, ordered by priority and then by name. Plugins can import
    /// `lib/*.rhai`. A missing folder means no plugins.
    pub dir: PathBuf,
    /// Plugins from the library to enable, by name. `gemini-adapter plugin list --library` lists them.
    pub library: Vec<String>,
    /// Plugins in shadow mode, by name: they change nothing and only log what they would do.
    pub shadow: Vec<String>,
    /// Whether each plugin's tests (`tests/NAME.toml` in the folder) must pass before it goes live.
    pub run_tests: bool,
    /// Time limit of one hook call. Time during which a busy machine does not run it does not count.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Maximum number of operations of one hook call.
    pub max_operations: u64,
    /// A table of settings for each plugin, by its name. The plugin reads it as `ctx.config`.
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
