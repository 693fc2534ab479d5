//! The configuration: every room's settings in one document, checked as a whole.
//!
//! Layers, each over the one before: the built-in document, the file instead of it, variables, overrides from the command
//! line. All problems are found in one go, each with its place.
//! Never: a clock, a swap, a half-good result.

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

/// The document that stands in for a missing file; also what is shipped as `config/config.toml`.
pub const BUILT_IN: &str = include_str!("../../config/config.toml");

/// All settings.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Further files, read as if they stood here: `["conf.d/*.toml"]`, relative to this file. `*` and `?` stand for any part of a
    /// file's name. A setting may stand in one file only.
    pub include: Vec<String>,
    /// The listener and its limits.
    pub server: ServerSettings,
    /// The way to Google.
    pub upstream: UpstreamSettings,
    /// Who may call.
    pub auth: AuthSettings,
    /// Clients by name: who may call, and what each may use. More clients than those of `auth.client_keys`.
    pub clients: Vec<ClientSettings>,
    /// Requests of each client, where its own `rpm` says nothing else.
    pub rate_limit: RateLimitSettings,
    /// Pools of keys, by name.
    pub pools: BTreeMap<String, PoolSettings>,
    /// How long a key rests after a failure for which Google names no time.
    pub cooldown: CooldownSettings,
    /// Which Gemini model answers to which name.
    pub models: ModelsSettings,
    /// Files that requests name by URL.
    pub media: MediaSettings,
    /// Answers that are kept and given again to equal requests of the same client.
    pub cache: CacheSettings,
    /// What outlives a restart, and what replicas share. Any change of it needs a restart.
    pub store: StoreSettings,
    /// Where plugins are, and what they may spend.
    pub plugins: PluginsSettings,
    /// How configurations take each other's place.
    pub runtime: RuntimeSettings,
    /// What is written to standard error.
    pub log: LogSettings,
    /// What is kept of requests, for the dashboard and `/admin/requests`.
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

/// A configuration that was read and checked, as far as it can be without building anything from it.
#[derive(Clone)]
pub struct Config {
    /// All settings.
    pub settings: Settings,
    /// The variables they refer to.
    pub environment: Environment,
    /// The file they came from; none when there was none.
    pub file: Option<PathBuf>,
    /// What changes whenever they, or what they refer to, change: 12 hex digits.
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

    /// Who set a setting, by its dotted path; None when nobody did and it has its default.
    pub fn source_of(&self, path: &str) -> Option<Source> {
        self.gathered.source_of(path)
    }

    /// The files that file includes.
    pub fn included(&self) -> impl Iterator<Item = &Path> {
        self.gathered.document.included()
    }

    /// Adds the place to problems that name a setting only.
    pub fn locate(&self, problems: &mut Problems) {
        for problem in problems.iter_mut().filter(|problem| problem.source.is_none() && !problem.path.is_empty()) {
            problem.source = self.gathered.locate(&problem.path);
            // Names stand in quotes only where they have to.
            problem.path = path::dotted(&path::steps(&problem.path));
        }
    }
}

/// Without the settings: those of plugins may be secrets that only their names tell.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("file", &self.file).field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// What was read, mistakes and all.
pub struct Loaded {
    /// The configuration; where something could not be read, its default stands in.
    pub config: Config,
    /// What is wrong with it, so far.
    pub problems: Problems,
    doubtful: Doubtful,
}

impl Loaded {
    /// Adds what a room found when it was built, but for what only a default that stands in is to blame for.
    pub fn found(&mut self, found: Problems) {
        self.problems.extend(found.into_iter().filter(|problem| !self.doubtful.covers(&problem.path)));
    }
}

/// Reads and checks what can be checked without building anything. The rooms may find more in what was read, to be reported
/// together with it.
///
/// # Errors
/// All that is wrong, when there is nothing to go on with.
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
    // No default breaks a rule by itself. Times of cooldowns are judged by each other: one of them may be nobody's.
    let nobodys = |problem: &Problem| problem.path.starts_with("cooldown.") && doubtful.covers(&problem.path);
    problems.extend(broken.into_iter().filter(|problem| !nobodys(problem)));
    Ok(Loaded { config, problems, doubtful })
}

/// What can be read of a configuration, however broken it is: for whoever has to go on all the same.
pub fn lenient(sources: &Sources, reading: &Reading) -> Config {
    let gathered = sources.gather_lenient(reading);
    let extracted = extract::extract(&gathered, &mut Problems::new());
    Config::new(gathered, extracted.map(|extracted| extracted.settings).unwrap_or_default())
}

#[cfg(test)]
mod tests;
