//! The configuration: the settings of all modules in one document, validated as a whole.
//!
//! Layers, each overriding the one before: the configuration file, or the built-in document if there is none;
//! variables; overrides from the command line. All problems are found in one pass, each with its position.
//! Never: read a clock, swap the running configuration, return a partially valid result as if it were valid.

mod check;
mod document;
mod documents;
#[allow(clippy::indexing_slicing, reason = "of a JSON value that is only read, what is not there is null")]
pub mod example;
pub mod excerpt;
mod extract;
mod layer;
mod path;
pub mod quoted;
#[allow(clippy::indexing_slicing, reason = "of a JSON value that is only read, what is not there is null")]
pub mod reference;
mod server;
mod show;
mod sources;
mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cache::CacheSettings;
use crate::clients::{AuthSettings, ClientSettings, RateLimitSettings};
use crate::environment::{Environment, SecretRef};
use crate::keys::{CooldownSettings, PoolSettings};
use crate::media::MediaSettings;
use crate::models::ModelsSettings;
use crate::plugin::PluginsSettings;
use crate::problem::{Problem, Problems, Source};
use crate::reading::Reading;
use crate::runtime::RuntimeSettings;
use crate::store::StoreSettings;
use crate::telemetry::{LogSettings, TelemetrySettings};
use crate::upstream::UpstreamSettings;

use extract::{Doubtful, Extracted};
pub use server::{ServerSettings, TlsSettings};
pub use show::Shown;
use sources::Gathered;
pub use sources::Sources;
pub use variables::{VARIABLES, Variable};

/// The document that is used if there is no file; also shipped as `config/config.toml`.
pub const BUILT_IN: &str = include_str!("../../config/config.toml");

/// All settings.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Further files to read as if their contents were here, relative to this file: `["conf.d/*.toml"]`. `*` and `?`
    /// match any part of a file name. A setting can be in one file only.
    pub include: Vec<String>,
    /// The listener and its limits.
    pub server: ServerSettings,
    /// The connection to Google.
    pub upstream: UpstreamSettings,
    /// Who can use the server.
    pub auth: AuthSettings,
    /// Clients by name, with their keys, permissions and limits. They are in addition to those in `auth.client_keys`.
    pub clients: Vec<ClientSettings>,
    /// The request rate limit of each client that has no `rpm` of its own.
    pub rate_limit: RateLimitSettings,
    /// Pools of keys, by name.
    pub pools: BTreeMap<String, PoolSettings>,
    /// How long a key cools down after a failure for which Google gives no retry time.
    pub cooldown: CooldownSettings,
    /// Which model names map to which Gemini models.
    pub models: ModelsSettings,
    /// Files that requests refer to by URL.
    pub media: MediaSettings,
    /// The cache of answers, reused for equal requests of the same client.
    pub cache: CacheSettings,
    /// Data that outlives a restart or is shared by replicas. Changes take effect after a restart.
    pub store: StoreSettings,
    /// Where plugins are, and how much they may use.
    pub plugins: PluginsSettings,
    /// How a new configuration replaces the running one.
    pub runtime: RuntimeSettings,
    /// What is logged to standard error.
    pub log: LogSettings,
    /// What is recorded about requests, for the dashboard and `/admin/requests`.
    pub telemetry: TelemetrySettings,
}

impl Default for Settings {
    fn default() -> Self {
        let keys = vec![SecretRef::Env("GEMINI_API_KEYS".into()).into()];
        Self {
            include: Vec::new(),
            server: ServerSettings::default(),
            upstream: UpstreamSettings::default(),
            auth: AuthSettings::default(),
            clients: Vec::new(),
            rate_limit: RateLimitSettings::default(),
            pools: BTreeMap::from([("default".into(), PoolSettings { keys, ..PoolSettings::default() })]),
            cooldown: CooldownSettings::default(),
            models: ModelsSettings::default(),
            media: MediaSettings::default(),
            cache: CacheSettings::default(),
            store: StoreSettings::default(),
            plugins: PluginsSettings::default(),
            runtime: RuntimeSettings::default(),
            log: LogSettings::default(),
            telemetry: TelemetrySettings::default(),
        }
    }
}

/// A configuration that was read and validated, as far as possible without building anything from it.
#[derive(Clone)]
pub struct Config {
    /// All settings.
    pub settings: Settings,
    /// The environment variables that the settings refer to.
    pub environment: Environment,
    /// The file it was read from; None for the built-in configuration.
    pub file: Option<PathBuf>,
    /// A fingerprint that changes whenever the settings or the secrets they refer to change: 12 hex digits.
    pub hash: String,
    gathered: Gathered,
}

impl Config {
    fn new(gathered: Gathered, settings: Settings) -> Self {
        Self {
            hash: gathered.hash(settings.secrets().map(|(_, secret)| secret)),
            environment: gathered.environment.clone(),
            file: gathered.document.file().map(Path::to_owned),
            gathered,
            settings,
        }
    }

    /// Returns the source of a setting by its dotted path; None if it has its default.
    pub fn source_of(&self, path: &str) -> Option<Source> {
        self.gathered.source_of(path)
    }

    /// Returns the files that the main file includes.
    pub fn included(&self) -> impl Iterator<Item = &Path> {
        self.gathered.document.included()
    }

    /// Adds the position to problems that only have the path of a setting.
    pub fn locate(&self, problems: &mut Problems) {
        for problem in problems.iter_mut().filter(|problem| problem.source.is_none() && !problem.path.is_empty()) {
            problem.source = self.gathered.locate(&problem.path);
            // Normalises the path: names are quoted only if necessary.
            problem.path = path::dotted(&path::steps(&problem.path));
        }
    }
}

/// Omits the settings: those of plugins may be secrets that are not marked as such.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("file", &self.file).field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// A configuration that was read, possibly with problems.
pub struct Loaded {
    /// The configuration; wrong values are replaced by their defaults.
    pub config: Config,
    /// The problems found so far.
    pub problems: Problems,
    doubtful: Doubtful,
}

impl Loaded {
    /// Adds the problems that a module found when it was built, except those caused only by a default in place of a
    /// wrong value.
    pub fn found(&mut self, found: Problems) {
        self.problems.extend(found.into_iter().filter(|problem| !self.doubtful.covers(&problem.path)));
    }
}

/// Reads the configuration and checks what can be checked without building anything. Modules built from the result
/// may find more problems, to be reported together with these.
///
/// # Errors
/// Returns all problems if nothing usable could be read.
pub fn load(sources: &Sources, reading: &Reading) -> Result<Loaded, Problems> {
    let mut problems = Problems::new();
    let Some(gathered) = sources.gather(reading, &mut problems) else { return Err(problems) };
    let Some(Extracted { settings, doubtful }) = extract::extract(&gathered, &mut problems) else {
        problems.sort();
        return Err(problems);
    };
    let config = Config::new(gathered, settings);
    let mut broken = Problems::new();
    check::check(&config.settings, &mut broken);
    if doubtful.is_empty() {
        variables::warn_of_unused(&config, &mut broken);
    }
    // Defaults never break a rule on their own. Cooldown durations are compared with each other, so one of them may
    // be a default in place of a wrong value.
    let nobodys = |problem: &Problem| problem.path.starts_with("cooldown.") && doubtful.covers(&problem.path);
    problems.extend(broken.into_iter().filter(|problem| !nobodys(problem)));
    Ok(Loaded { config, problems, doubtful })
}

/// Returns as much of a configuration as can be read, however broken, for callers that must continue anyway.
pub fn lenient(sources: &Sources, reading: &Reading) -> Config {
    let gathered = sources.gather_lenient(reading);
    let extracted = extract::extract(&gathered, &mut Problems::new());
    Config::new(gathered, extracted.map(|extracted| extracted.settings).unwrap_or_default())
}

#[cfg(test)]
mod tests;
