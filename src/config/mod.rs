//! The configuration: every room's settings in one document, checked as a whole.
//!
//! Layers, each over the one before: the built-in document, the file instead of it, variables, overrides from the command
//! line. All problems are found in one go, each with its place.
//! Never: a clock, a swap, a half-good result.

mod check;
mod document;
mod extract;
pub mod reference;
mod server;
mod sources;
mod variables;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clients::AuthSettings;
use crate::environment::Environment;
use crate::keys::{CooldownSettings, PoolSettings};
use crate::models::ModelsSettings;
use crate::plugin::PluginsSettings;
use crate::problem::Problems;
use crate::secret::MASK;
use crate::telemetry::LogSettings;
use crate::upstream::UpstreamSettings;

pub use server::ServerSettings;
pub use sources::Sources;
pub use variables::{VARIABLES, Variable};

/// The document that stands in for a missing file; also what is shipped as `config/config.toml`.
pub const BUILT_IN: &str = include_str!("../../config/config.toml");

/// All settings.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The listener and its limits.
    pub server: ServerSettings,
    /// The way to Google.
    pub upstream: UpstreamSettings,
    /// Who may call.
    pub auth: AuthSettings,
    /// Pools of keys, by name.
    pub pools: BTreeMap<String, PoolSettings>,
    /// How long a key rests after a failure for which Google names no time.
    pub cooldown: CooldownSettings,
    /// Which Gemini model answers to which name.
    pub models: ModelsSettings,
    /// Where plugins are, and what they may spend.
    pub plugins: PluginsSettings,
    /// What is written to standard error.
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        let keys = vec![crate::environment::SecretRef::Env("GEMINI_API_KEYS".into()).into()];
        Self {
            server: ServerSettings::default(),
            upstream: UpstreamSettings::default(),
            auth: AuthSettings::default(),
            pools: BTreeMap::from([("default".into(), PoolSettings { keys, ..PoolSettings::default() })]),
            cooldown: CooldownSettings::default(),
            models: ModelsSettings::default(),
            plugins: PluginsSettings::default(),
            log: LogSettings::default(),
        }
    }
}

/// A configuration that was read and checked, as far as it can be without building anything from it.
#[derive(Clone, Debug)]
pub struct Config {
    /// All settings.
    pub settings: Settings,
    /// The variables they refer to.
    pub environment: Environment,
    /// The file they came from; none when there was none.
    pub file: Option<PathBuf>,
    /// What changes whenever they, or what they refer to, change: 12 hex digits.
    pub hash: String,
    document: document::Document,
}

impl Config {
    /// The settings as they may be shown: secrets masked.
    pub fn resolved(&self) -> Value {
        let mut shown = serde_json::to_value(&self.settings).unwrap_or_default();
        if let Some(plugins) = shown.pointer_mut("/plugins/settings") {
            mask(plugins);
        }
        shown
    }

    /// Adds file, line and column to problems that name a setting only.
    pub fn locate(&self, problems: &mut Problems) {
        for problem in problems.iter_mut().filter(|problem| problem.source.is_none() && !problem.path.is_empty()) {
            self.document.locate(problem);
        }
    }
}

/// Settings of plugins are theirs to name; what is called like a secret is taken for one.
fn mask(value: &mut Value) {
    const SECRET: &[&str] = &["key", "token", "secret", "password", "credential"];
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let name = name.to_ascii_lowercase();
                if value.is_string() && SECRET.iter().any(|word| name.contains(word)) {
                    *value = MASK.into();
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Reads and checks.
///
/// # Errors
/// All that is wrong, when anything is.
pub fn load(sources: &Sources) -> Result<(Config, Problems), Problems> {
    let mut problems = Problems::new();
    let gathered = sources.gather(&mut problems)?;
    let settings = extract::extract(&gathered, &mut problems);
    let config = Config {
        hash: gathered.hash(),
        environment: gathered.environment,
        file: gathered.document.file.clone(),
        document: gathered.document,
        settings,
    };
    check::check(&config.settings, &mut problems);
    config.locate(&mut problems);
    if problems.has_errors() { Err(problems) } else { Ok((config, problems)) }
}

#[cfg(test)]
mod tests;
