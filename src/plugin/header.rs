//! What a script says about itself: TOML in its `//!` lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use wildmatch::WildMatch;

use super::settings::PluginsSettings;
use crate::problem::{Problem, Problems};

/// The only version of the API there is.
const API: u32 = 1;

/// A header that was read and checked, with the plugin's settings resolved.
#[derive(Debug)]
pub struct Header {
    /// The plugin's name; that of its file when it gives none.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Lower comes first.
    pub priority: i64,
    /// What happens when it fails.
    pub on_error: Policy,
    /// How long one call may take.
    pub timeout: Duration,
    /// Which requests it concerns.
    pub when: When,
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

/// Which requests a plugin concerns; empty lists concern all.
#[derive(Debug, Default)]
pub struct When {
    models: Vec<WildMatch>,
    paths: Vec<WildMatch>,
    clients: Vec<WildMatch>,
}

impl When {
    /// Whether a request is among them. Either name of the model will do: the client's or Google's.
    pub fn concerns(&self, models: &[&str], path: &str, client: &str) -> bool {
        let any = |globs: &[WildMatch], texts: &[&str]| {
            globs.is_empty() || globs.iter().any(|glob| texts.iter().any(|text| glob.matches(text)))
        };
        any(&self.models, models) && any(&self.paths, &[path]) && any(&self.clients, &[client])
    }

    /// Whether it asks about models.
    pub fn needs_model(&self) -> bool {
        !self.models.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Option<String>,
    version: Option<String>,
    #[serde(default = "api")]
    api: u32,
    hooks: Option<Vec<String>>,
    #[serde(default = "priority")]
    priority: i64,
    #[serde(default)]
    on_error: Policy,
    timeout_ms: Option<u64>,
    #[serde(default)]
    when: RawWhen,
    #[serde(default)]
    config: BTreeMap<String, Field>,
}

fn api() -> u32 {
    API
}

fn priority() -> i64 {
    100
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawWhen {
    models: Vec<String>,
    paths: Vec<String>,
    clients: Vec<String>,
}

/// One setting of a plugin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    r#type: Kind,
    #[serde(default)]
    default: Value,
    #[serde(default, rename = "doc")]
    _doc: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    String,
    Number,
    Boolean,
    List,
    Table,
}

impl Kind {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Table => value.is_object(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Table => "a table",
        }
    }
}

/// Reads the header of a script, and finds its settings.
///
/// # Errors
/// All that is wrong with it.
pub fn read(file: &Path, source: &str, settings: &PluginsSettings) -> Result<Header, Problems> {
    let lines = source.lines().map(|line| line.trim_start().strip_prefix("//!"));
    // Lines that are no header stay as empty ones, so that places are those of the file.
    let text: Vec<&str> = lines.map(Option::unwrap_or_default).collect();
    let text = text.join("\n");
    let raw: Raw = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        let problem = Problem::error(format!("its `//!` header is wrong: {}", error.message()));
        problem.in_file(file, line.map(|line| (line, 1))).hint("the header is TOML; docs/plugins.md has its settings")
    })?;
    let mut problems = Problems::new();
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = raw.name.unwrap_or(stem);
    if raw.api != API {
        let message = format!("it wants version {} of the API; there is version {API}", raw.api);
        problems.push(Problem::error(message).in_file(file, None));
    }
    let given = settings.settings.get(&name).cloned().unwrap_or_default();
    let config = configure(&name, &raw.config, given, &mut problems);
    let timeout = raw.timeout_ms.map_or(settings.timeout, Duration::from_millis);
    // Where the script says nothing, the setting counts, and is checked where it stands.
    if raw.timeout_ms.is_some() && (timeout.is_zero() || timeout > Duration::from_secs(10)) {
        problems.push(Problem::error("`timeout_ms` must be between 1 and 10000").in_file(file, None));
    }
    let globs = |texts: Vec<String>| texts.iter().map(|text| WildMatch::new(text)).collect();
    let when = When { models: globs(raw.when.models), paths: globs(raw.when.paths), clients: globs(raw.when.clients) };
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Header {
        name,
        version: raw.version,
        priority: raw.priority,
        on_error: raw.on_error,
        timeout,
        when,
        config,
        hooks: raw.hooks,
    })
}

/// The settings a plugin gets: those given, where it declares them; else its defaults. One that declares none gets all.
fn configure(
    name: &str,
    declared: &BTreeMap<String, Field>,
    given: Map<String, Value>,
    problems: &mut Problems,
) -> Map<String, Value> {
    if declared.is_empty() {
        return given;
    }
    let mut config = Map::new();
    for (field, about) in declared {
        config.insert(field.clone(), about.default.clone());
    }
    for (field, value) in given {
        let place = format!("plugins.settings.{name}.{field}");
        match declared.get(&field) {
            Some(about) if about.r#type.holds(&value) => {
                config.insert(field, value);
            }
            Some(about) => problems.push(Problem::error(format!("must be {}", about.r#type.name())).at(place)),
            None => {
                let known = declared.keys().map(String::as_str).collect::<Vec<_>>().join("`, `");
                let problem = Problem::error("there is no such setting").at(place);
                problems.push(problem.hint(format!("the plugin has `{known}`")));
            }
        }
    }
    config
}
