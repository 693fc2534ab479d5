//! The header of a script: TOML in its `//!` lines.

mod settings;
mod when;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use settings::Field;
pub use when::When;

use super::sandbox::Budget;
use super::settings::PluginsSettings;
use crate::problem::{Problem, Problems};

/// The current API version, and the only one.
pub const API: u32 = 1;
/// Maximum limits that a plugin can set for one call.
const LONGEST: Duration = Duration::from_secs(10);
const MOST_OPERATIONS: u64 = 10_000_000;

/// A parsed and validated header, with the plugin's settings resolved.
#[derive(Debug)]
pub struct Header {
    /// The plugin's name; the file stem if the header sets none.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// One sentence on what the plugin is for.
    pub about: String,
    /// Plugins with a lower number run first.
    pub priority: i64,
    /// What happens when the plugin fails.
    pub on_error: Policy,
    /// Limits of one call.
    pub budget: Budget,
    /// Whether it runs in shadow mode: it changes nothing and only logs what it would do.
    pub shadow: bool,
    /// Which requests it applies to.
    pub when: When,
    /// The settings it declares.
    pub fields: BTreeMap<String, Field>,
    /// The resolved settings, `ctx.config` in scripts.
    pub config: Map<String, Value>,
    /// The hooks that the header lists, if it does.
    pub hooks: Option<Vec<String>>,
}

/// What happens when a plugin fails. An error that it throws on purpose is not a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The request fails.
    #[default]
    Fail,
    /// The request continues as if the plugin did not exist.
    Skip,
    /// Like `skip`, and the plugin stays off until it is loaded again.
    Disable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    about: String,
    #[serde(default = "api")]
    api: u32,
    hooks: Option<Vec<String>>,
    #[serde(default = "priority")]
    priority: i64,
    #[serde(default)]
    on_error: Policy,
    timeout_ms: Option<u64>,
    max_operations: Option<u64>,
    #[serde(default)]
    shadow: bool,
    #[serde(default)]
    when: when::RawWhen,
    #[serde(default)]
    config: BTreeMap<String, Field>,
}

fn api() -> u32 {
    API
}

fn priority() -> i64 {
    100
}

/// Reads the header of a script and resolves its settings.
///
/// # Errors
/// Returns the problems found in the header and the settings.
pub fn read(file: &Path, source: &str, settings: &PluginsSettings) -> Result<Header, Problems> {
    let text = text(source);
    let raw: Raw = toml::from_str(&text).map_err(|error| wrong(file, source, &text, &error))?;
    let mut problems = Problems::new();
    let place = |name: &str| place(source, name);
    let name = raw.name.unwrap_or_else(|| stem(file));
    if raw.api != API {
        let message = format!("it needs version {} of the API; this is version {API}", raw.api);
        problems.push(Problem::error(message).in_file(file, place("api")));
    }
    // Without a value in the header, the limit from the configuration applies; that one is validated with the
    // configuration.
    let time = raw.timeout_ms.map_or(settings.timeout, Duration::from_millis);
    if raw.timeout_ms.is_some() && (time.is_zero() || time > LONGEST) {
        let message = format!("`timeout_ms` must be between 1 and {}", LONGEST.as_millis());
        problems.push(Problem::error(message).in_file(file, place("timeout_ms")));
    }
    let operations = raw.max_operations.unwrap_or(settings.max_operations);
    if raw.max_operations.is_some() && !(1..=MOST_OPERATIONS).contains(&operations) {
        let message = format!("`max_operations` must be between 1 and {MOST_OPERATIONS}");
        problems.push(Problem::error(message).in_file(file, place("max_operations")));
    }
    for (field, about) in &raw.config {
        if let Some(message) = about.mistake(field) {
            problems.push(Problem::error(message).in_file(file, place(&format!("[config.{field}]"))));
        }
    }
    let given = settings.settings.get(&name).cloned().unwrap_or_default();
    let config = settings::resolve(&name, &raw.config, given, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(Header {
        budget: Budget { plugin: Arc::from(name.as_str()), time, operations },
        shadow: raw.shadow || settings.shadow.contains(&name),
        name,
        version: raw.version,
        about: raw.about,
        priority: raw.priority,
        on_error: raw.on_error,
        when: When::of(raw.when),
        fields: raw.config,
        config,
        hooks: raw.hooks,
    })
}

/// Returns the name of a plugin without validating the header.
pub fn name(file: &Path, source: &str) -> String {
    let name = toml::from_str::<toml::Table>(&text(source)).ok();
    let name = name.as_ref().and_then(|header| header.get("name")?.as_str());
    name.map_or_else(|| stem(file), str::to_owned)
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Extracts the TOML of the header. All other lines become empty lines, so that line numbers match the file.
fn text(source: &str) -> String {
    let lines = source.lines().map(|line| line.trim_start().strip_prefix("//!").unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Describes a TOML error, with its position in the file and a hint.
fn wrong(file: &Path, source: &str, text: &str, error: &toml::de::Error) -> Problem {
    let place = error.span().map(|span| {
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let marker = source.lines().nth(line).and_then(|line| line.find("//!")).map_or(0, |at| at + 3);
        (line + 1, column + marker + 1)
    });
    let message = error.message();
    let problem = Problem::error(format!("its `//!` header is wrong: {message}")).in_file(file, place);
    // serde's message for an unknown name: unknown field `x`, expected one of `a`, `b`.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let near = quoted.next().filter(|_| message.starts_with("unknown")).and_then(|unknown| nearest(unknown, quoted));
    problem.hint(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the header is TOML; docs/plugins.md lists its settings".to_owned(),
    })
}

/// Returns the nearest of the known names, if it is near enough to be a typo.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (strsim::osa_distance(known, name), known)).min()?;
    (near.0 <= 2.max(name.len() / 3)).then_some(near.1)
}

/// Returns the line and column of the header line that begins with `words`.
pub fn place(source: &str, words: &str) -> Option<(usize, usize)> {
    source.lines().enumerate().find_map(|(number, line)| {
        let at = line.find("//!")? + 3;
        let rest = line.get(at..)?;
        let inner = rest.trim_start();
        inner.starts_with(words).then(|| (number + 1, at + rest.len() - inner.len() + 1))
    })
}
