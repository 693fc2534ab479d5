//! The script host: runs every `*.rhai` script in the plugins folder, in order, at each hook of a request.
//!
//! [`hook`] lists the hooks, [`header`] parses what a script declares about itself, [`sandbox`] limits what it can
//! do, [`host`] provides functions to it, [`context`] is the view of the request it gets, [`script`] is one plugin
//! with its error policy and fuse, and [`session`] runs all plugins for one request.
//! Never: give a script access to files, sockets or clocks; let a panic or an endless loop escape from one.

pub mod api;
pub mod cases;
mod context;
mod diagnostics;
mod diff;
mod files;
mod header;
mod hook;
mod host;
mod library;
mod reference;
mod sandbox;
mod script;
mod session;
pub mod settings;
mod status;
#[cfg(test)]
mod tests;
mod verdict;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rhai::Engine;

use crate::problem::{Problem, Problems};
use crate::reading::Reading;
use crate::secret::Digest;
use crate::store::{Bounds, Table};

pub use diff::Difference;
pub use hook::{HOOKS, Hook, HookRow};
pub use library::{LIBRARY, LibraryPlugin};
pub use session::{PluginChange, RouteView, Session, SessionFacts};
pub use settings::PluginsSettings;
pub use status::{HookStatus, PluginStatus};
pub use verdict::{AfterFailure, Reply, Verdict};

use context::{Context, Facts, State, Subject, View};
use files::Files;
use sandbox::Libraries;
use script::{Attempt, Script};

/// Limits of the state that all plugins together keep between requests.
pub const STATE: Bounds =
    Bounds { bytes: 8 * 1024 * 1024, largest: 64 * 1024, kept: Duration::from_secs(3600), most: None };

/// The plugins of one configuration.
#[derive(Debug)]
pub struct Plugins(Arc<Loaded>);

/// The part that sessions share.
struct Loaded {
    engine: Engine,
    scripts: Vec<Script>,
    fingerprint: String,
    state: OnceLock<Arc<Table>>,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.scripts.iter().map(|script| &script.header.name)).finish()
    }
}

impl Loaded {
    /// Returns the table that holds plugin state: the shared one if it was set, otherwise a private one.
    fn state(&self) -> &Arc<Table> {
        self.state.get_or_init(|| Arc::new(Table::new(STATE)))
    }
}

impl Plugins {
    /// Reads and compiles every script in the folder, calls each one's `on_load` with its settings, and runs each
    /// one's tests. Problems name the file, line and column.
    pub fn load(settings: &PluginsSettings, reading: &Reading, problems: &mut Problems) -> Self {
        let files = Files::read(settings, reading, problems);
        let plugins = Self::compile(&files, settings, problems);
        // After a load error, tests would only fail because of that error.
        if !problems.has_errors() {
            cases::check(&files, settings, problems);
        }
        plugins
    }

    fn compile(files: &Files, settings: &PluginsSettings, problems: &mut Problems) -> Self {
        let libraries: Vec<_> = files.libraries.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
        let libraries = Libraries::of(&libraries);
        // A server without plugins does without the functions that plugins call.
        let mut engine = if files.no_scripts() { Engine::new_raw() } else { sandbox::engine(libraries.clone()) };
        libraries.compile(&engine, settings.max_operations, problems);
        for file in files.plugins.iter().chain(&files.libraries) {
            diagnostics::imports(&file.path, &file.text, &libraries.names(), problems);
        }
        let mut scripts: Vec<Script> = Vec::new();
        for (number, file) in files.plugins.iter().enumerate() {
            match Script::load(&mut engine, &file.path, &file.text, number, settings) {
                Ok(script) => match scripts.iter().find(|other| other.header.name == script.header.name) {
                    Some(other) => {
                        let message = format!("`{}` is also the name of {}", script.header.name, other.file.display());
                        let hint = "give each plugin a unique `name` in its `//!` header";
                        problems.push(Problem::error(message).in_file(&file.path, None).hint(hint));
                    }
                    None => scripts.push(script),
                },
                Err(wrong) => problems.extend(wrong),
            }
        }
        check_names(settings, &scripts, problems);
        scripts.sort_by(|one, other| (one.header.priority, &one.file).cmp(&(other.header.priority, &other.file)));
        let settings = serde_json::to_string(settings).unwrap_or_default();
        let fingerprint = Digest::of(&format!("{settings}{}", files.texts())).hex(6);
        let loaded = Loaded { engine, scripts, fingerprint, state: OnceLock::new() };
        loaded.announce(problems);
        Self(Arc::new(loaded))
    }

    /// Returns a fingerprint that changes whenever a script or a setting changes.
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// Makes plugins keep their state in this table. Without this call, or before it, the state is in a table of
    /// their own.
    pub fn remember_in(&self, table: &Table) {
        let _ = self.0.state.set(Arc::new(table.clone()));
    }

    /// Starts the plugins for one request. `facts` is called only if there are any plugins.
    pub fn session(&self, facts: impl FnOnce() -> SessionFacts) -> Session {
        let facts = if self.0.scripts.is_empty() { None } else { Some(facts()) };
        Session::new(self.0.clone(), facts)
    }

    /// Returns one Markdown page per plugin, with the plugin's name.
    pub fn pages(&self) -> Vec<(String, String)> {
        self.0.scripts.iter().map(|script| (script.header.name.clone(), reference::page(script))).collect()
    }

    /// Turns off shadow mode for all plugins.
    fn without_shadow(mut self) -> Self {
        for script in Arc::get_mut(&mut self.0).into_iter().flat_map(|loaded| &mut loaded.scripts) {
            script.header.shadow = false;
        }
        self
    }

    /// Returns why the most recent failed call of a plugin failed.
    fn last_failure(&self) -> Option<String> {
        self.0.scripts.iter().find_map(Script::last_failure)
    }

    /// Returns the status of all plugins, in order.
    pub fn list(&self) -> Vec<PluginStatus> {
        self.0.scripts.iter().map(Script::status).collect()
    }
}

impl Loaded {
    /// Calls `on_load` of each plugin with its settings. One that throws is a problem.
    fn announce(&self, problems: &mut Problems) {
        for script in self.scripts.iter().filter(|script| script.has(Hook::Load)) {
            let view = View {
                hook: Hook::Load,
                facts: Arc::new(Facts::default()),
                vars: None,
                config: script.config.clone(),
                // The plugin is not live yet, and may never be.
                state: State::new(script.header.budget.plugin.clone(), Arc::new(Table::new(STATE))),
                attempt: 0,
                names: Arc::default(),
                fallback: rhai::Array::new(),
                no_store: false,
                subject: Subject::Nothing,
            };
            let (message, place) = match script.attempt(&self.engine, Hook::Load, &Context::new(view)).0 {
                Attempt::Returned(_) => continue,
                Attempt::Rejected(error) => (error.message, None),
                Attempt::Failed(failure) => (format!("its `on_load` fails: {}", failure.why), failure.place),
            };
            let problem = Problem::error(message).in_file(&script.file, place);
            problems.push(problem.hint(format!("its settings are in `[plugins.settings.{}]`", script.header.name)));
        }
    }
}

/// Warns about settings and shadow entries for plugins that do not exist.
fn check_names(settings: &PluginsSettings, scripts: &[Script], problems: &mut Problems) {
    let names = || scripts.iter().map(|script| script.header.name.as_str());
    let given = settings.settings.iter().filter(|(_, table)| !table.is_empty());
    let given = given.map(|(name, _)| (name, format!("plugins.settings.{name}")));
    let shadow = settings.shadow.iter().enumerate().map(|(at, name)| (name, format!("plugins.shadow[{at}]")));
    for (name, place) in given.chain(shadow) {
        if names().any(|known| known == name) {
            continue;
        }
        let hint = match header::nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the plugins are `{}`", names().collect::<Vec<_>>().join("`, `")),
        };
        problems.push(Problem::warning(format!("there is no plugin `{name}`")).at(place).hint(hint));
    }
}
