//! What a script says about itself: TOML in its `//!` lines.

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

/// The only version of the API there is.
pub const API: u32 = 1;
/// The most a plugin may claim for one call.
const LONGEST: Duration = Duration::from_secs(10);
const MOST_OPERATIONS: u64 = 10_000_000;

/// A header that was read and checked, with the plugin's settings resolved.
#[derive(Debug)]
pub struct Header {
    /// The plugin's name; that of its file when it gives none.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// What it is for, in a sentence.
    pub about: String,
    /// Lower comes first.
    pub priority: i64,
    /// What happens when it fails.
    pub on_error: Policy,
    /// What one call may spend.
    pub budget: Budget,
    /// Whether it only shows what it would do.
    pub shadow: bool,
    /// Which requests it concerns.
    pub when: When,
    /// The settings it has.
    pub fields: BTreeMap<String, Field>,
    /// What it finds as `ctx.config`.
    pub config: Map<String, Value>,
    /// The hooks it says it has, if it says so.
    pub hooks: Option<Vec<String>>,
}

/// What happens when a plugin fails. An error that it throws on purpose is no failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The request fails.
    #[default]
    Fail,
    /// The request goes on as if the plugin were not there.
    Skip,
    /// As skip, and the plugin is off until it is loaded again.
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

/// Reads the header of a script, and finds its settings.
///
/// # Errors
/// All that is wrong with it.
pub fn read(file: &Path, source: &str, settings: &PluginsSettings) -> Result<Header, Problems> {
    let text = text(source);
    let raw: Raw = toml::from_str(&text).map_err(|error| wrong(file, source, &text, &error))?;
    let mut problems = Problems::new();
    let place = |name: &str| place(source, name);
    let name = raw.name.unwrap_or_else(|| stem(file));
    if raw.api != API {
        let message = format!("it wants version {} of the API; there is version {API}", raw.api);
        problems.push(Problem::error(message).in_file(file, place("api")));
    }
    // Where the script says nothing, the setting counts, and is checked where it stands.
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

/// The name of a plugin, before anything of it is checked.
pub fn name(file: &Path, source: &str) -> String {
    let name = toml::from_str::<toml::Table>(&text(source)).ok();
    let name = name.as_ref().and_then(|header| header.get("name")?.as_str());
    name.map_or_else(|| stem(file), str::to_owned)
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The TOML of the header. Lines that are no header stay as empty ones, so that places are those of the file.
fn text(source: &str) -> String {
    let lines = source.lines().map(|line| line.trim_start().strip_prefix("//!").unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// What is wrong with the TOML, with its place in the file and a hint.
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
    // serde's own words for a name it does not know: unknown field `x`, expected one of `a`, `b`.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let near = quoted.next().filter(|_| message.starts_with("unknown")).and_then(|unknown| nearest(unknown, quoted));
    problem.hint(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the header is TOML; docs/plugins.md has its settings".to_owned(),
    })
}

/// The nearest of some names, if it is near.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (strsim::osa_distance(known, name), known)).min()?;
    (near.0 <= 2.max(name.len() / 3)).then_some(near.1)
}

/// Where a line of the header begins with this.
pub fn place(source: &str, words: &str) -> Option<(usize, usize)> {
    source.lines().enumerate().find_map(|(number, line)| {
        let at = line.find("//!")? + 3;
        let rest = line.get(at..)?;
        let inner = rest.trim_start();
        inner.starts_with(words).then(|| (number + 1, at + rest.len() - inner.len() + 1))
    })
}
