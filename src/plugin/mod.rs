//! The script host: every `*.rhai` in the plugins folder, in order, at each hook of a request's life.
//!
//! [`hook`] lists the hooks, [`header`] what a script says about itself, [`engine`] what it may and may not, [`context`] and
//! [`body`] what it sees, [`script`] one plugin with its policy and fuse, [`session`] all of them along one request.
//! Never: a file, a socket or a clock for a script; a panic or an endless loop out of one.

mod body;
mod context;
mod dialect;
mod engine;
mod header;
mod hook;
mod host;
mod script;
mod session;
pub mod settings;
mod strings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rhai::Engine;
use serde::Serialize;

use crate::problem::{Problem, Problems};
use crate::reading::Reading;
use crate::secret::Digest;

pub use hook::{HOOKS, Hook, HookRow};
pub use session::{Reply, RouteView, Session, SessionFacts, Touched, Verdict};
pub use settings::PluginsSettings;

use script::Script;

/// The plugins of one configuration.
#[derive(Debug)]
pub struct Plugins(Arc<Loaded>);

/// What sessions share.
struct Loaded {
    engine: Engine,
    scripts: Vec<Script>,
    fingerprint: String,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.scripts.iter().map(|script| &script.header.name)).finish()
    }
}

/// One plugin, for people.
#[derive(Clone, Debug, Serialize)]
pub struct PluginStatus {
    /// Its name.
    pub name: String,
    /// Its version, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its file.
    pub file: PathBuf,
    /// `live`, or `off` once its fuse has blown.
    pub state: &'static str,
    /// Its hooks, and what they have cost.
    pub hooks: Vec<HookStatus>,
}

/// One hook of a plugin.
#[derive(Clone, Debug, Serialize)]
pub struct HookStatus {
    /// Which.
    pub name: &'static str,
    /// How often it was called.
    pub calls: u64,
    /// How often it failed.
    pub errors: u64,
    /// How long it took in all.
    #[serde(rename = "spent_seconds", serialize_with = "seconds")]
    pub spent: Duration,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Plugins {
    /// None at all.
    pub fn none() -> Self {
        Self::load(
            &PluginsSettings { dir: PathBuf::new(), ..PluginsSettings::default() },
            &Reading::default(),
            &mut Problems::new(),
        )
    }

    /// Reads and compiles every script of the folder; problems name file, line and column.
    pub fn load(settings: &PluginsSettings, reading: &Reading, problems: &mut Problems) -> Self {
        let mut engine = engine::build(settings);
        let mut scripts: Vec<Script> = Vec::new();
        let mut sources = String::new();
        for file in files(&settings.dir, reading, problems) {
            let source = match reading.text(&file) {
                Ok(source) => source,
                Err(error) => {
                    problems.push(Problem::error(format!("cannot be read: {error}")).in_file(&file, None));
                    continue;
                }
            };
            sources.push_str(&format!("\n{}\n{source}", file.display()));
            let number = scripts.len();
            match Script::load(&mut engine, &file, &source, number, settings) {
                Ok(script) => match scripts.iter().find(|other| other.header.name == script.header.name) {
                    Some(other) => {
                        let message = format!("`{}` is the name of {} too", script.header.name, other.file.display());
                        let hint = "give each plugin a `name` of its own in its `//!` header";
                        problems.push(Problem::error(message).in_file(&file, None).hint(hint));
                    }
                    None => scripts.push(script),
                },
                Err(wrong) => problems.extend(wrong),
            }
        }
        check_names(settings, &scripts, problems);
        scripts.sort_by(|one, other| (one.header.priority, &one.file).cmp(&(other.header.priority, &other.file)));
        let settings = serde_json::to_string(settings).unwrap_or_default();
        let fingerprint = Digest::of(&format!("{settings}{sources}")).hex(6);
        Self(Arc::new(Loaded { engine, scripts, fingerprint }))
    }

    /// What changes whenever a script or a setting changes.
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// The plugins along one request. `facts` is only asked for when there are any.
    pub fn session(&self, facts: impl FnOnce() -> SessionFacts) -> Session {
        let facts = if self.0.scripts.is_empty() { None } else { Some(facts()) };
        Session::new(self.0.clone(), facts)
    }

    /// All of them, in order.
    pub fn list(&self) -> Vec<PluginStatus> {
        self.0.scripts.iter().map(Script::status).collect()
    }
}

/// The scripts of the folder by name. A folder that is not there holds none.
fn files(dir: &Path, reading: &Reading, problems: &mut Problems) -> Vec<PathBuf> {
    let mut files = match reading.list(dir) {
        Ok(paths) => paths,
        Err(unread) => {
            if !unread.is_absent() {
                problems
                    .push(Problem::error(format!("`{}` cannot be read: {unread}", dir.display())).at("plugins.dir"));
            }
            return Vec::new();
        }
    };
    files.retain(|path| path.extension().is_some_and(|end| end == "rhai"));
    files
}

/// Settings that no plugin will ever see.
fn check_names(settings: &PluginsSettings, scripts: &[Script], problems: &mut Problems) {
    for (name, table) in &settings.settings {
        if table.is_empty() || scripts.iter().any(|script| script.header.name == *name) {
            continue;
        }
        let names: Vec<&str> = scripts.iter().map(|script| script.header.name.as_str()).collect();
        let near = names.iter().find(|known| strsim::osa_distance(known, name) <= 2);
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the plugins in `{}` are `{}`", settings.dir.display(), names.join("`, `")),
        };
        let problem = Problem::warning(format!("there is no plugin `{name}`"));
        problems.push(problem.at(format!("plugins.settings.{name}")).hint(hint));
    }
}
