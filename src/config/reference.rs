//! The configuration reference, generated from the doc comments of the settings: `docs/config.md` for people,
//! `config/schema.json` for editors.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::variables::VARIABLES;
use super::{BUILT_IN, Settings};
use crate::protocol::tables;

/// A generated file.
pub struct Made {
    /// Its path, relative to the root of the repository.
    pub path: &'static str,
    make: fn() -> String,
}

impl Made {
    /// Generates its content.
    pub fn text(&self) -> String {
        (self.make)()
    }
}

/// All generated files: the configuration reference, its schema, the page about translated fields, and the
/// definitions of the script API.
pub const FILES: [Made; 4] = [
    Made { path: "docs/config.md", make: page },
    Made { path: "config/schema.json", make: schema },
    Made { path: "docs/translation.md", make: tables::page },
    Made { path: "plugins/api.d.rhai", make: crate::plugin::api::definitions },
];

/// Returns the JSON Schema, draft 7: the newest version that the TOML plugins of common editors support.
pub fn schema() -> String {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Settings>().to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".into(), "gemini-adapter configuration".into());
    }
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// Returns the page.
pub fn page() -> String {
    let schema: Value = serde_json::from_str(&schema()).unwrap_or_default();
    let mut page = String::from(INTRODUCTION);
    for (title, pointer) in SECTIONS {
        push_section(&mut page, title, &schema, &resolve(&schema, schema.pointer(pointer).unwrap_or(&Value::Null)));
    }
    page.push_str("\n## Environment\n\n");
    page.push_str(ENVIRONMENT);
    for variable in VARIABLES {
        let path = if variable.path.is_empty() { String::new() } else { format!("`{}`", variable.path) };
        page.push_str(&format!("| `{}` | {path} | {} |\n", variable.name, variable.about));
    }
    page.push_str(&format!("\n## The shipped configuration\n\n{SHIPPED}\n\n```toml\n{BUILT_IN}```\n"));
    page
}

/// The sections in the order of the page, with their pointers into the schema.
const SECTIONS: &[(&str, &str)] = &[
    ("`[server]`", "/properties/server"),
    ("`[server.tls]`", "/definitions/TlsSettings"),
    ("`[upstream]`", "/properties/upstream"),
    ("`[auth]`", "/properties/auth"),
    ("A client's key as a table", "/definitions/ClientKeyTable"),
    ("`[auth.blocking]`", "/definitions/BlockingSettings"),
    ("`[[clients]]`", "/definitions/ClientSettings"),
    ("`[rate_limit]`", "/properties/rate_limit"),
    ("`[pools.NAME]`", "/definitions/PoolSettings"),
    ("A key as a table", "/definitions/KeyTable"),
    ("`[cooldown]`", "/properties/cooldown"),
    ("`[pools.NAME.cooldown]`", "/definitions/CooldownOverride"),
    ("`[models]`", "/properties/models"),
    ("An alias as a table", "/definitions/AliasTable"),
    ("`[models.facts.\"NAME\"]`", "/definitions/FactsSettings"),
    ("`[models.prices.\"NAME\"]`", "/definitions/Price"),
    ("`[media]`", "/properties/media"),
    ("`[cache]`", "/properties/cache"),
    ("`[store]`", "/properties/store"),
    ("`[plugins]`", "/properties/plugins"),
    ("`[runtime]`", "/properties/runtime"),
    ("`[log]`", "/properties/log"),
    ("`[telemetry]`", "/properties/telemetry"),
    ("`[telemetry.otel]`", "/definitions/OtelSettings"),
];

const SHIPPED: &str = "These values apply if the file, or a section of it, is missing.";

const INTRODUCTION: &str = "\
<!-- Generated from the doc comments of the settings: `gemini-adapter reference --write`. -->
# Configuration

`config/config.toml`, or the file named by `--config`. A saved change is applied to the running server within a
second. If the file contains an error, nothing changes, and the error is reported with file, line, column and a
hint: in the log, in `GET /admin/config`, and as the metric `gemini_adapter_config_last_reload_successful`.
`gemini-adapter check` finds the same problems without a server.

Later sources override earlier ones: the file with its includes (or, if there is no file, the shipped
configuration below), `.env`, the environment, the command line. `include = [\"conf.d/*.toml\"]`, above all
sections of the file, includes further files: their paths are relative to the file, file names may contain `*`
and `?`, and each setting may be set in only one file. Unknown settings are errors. Durations are written as
`\"90s\"` or `\"10m\"`. A secret is the text itself, `\"env:NAME\"` or `\"file:PATH\"`; the variable or the file may
contain several secrets, separated by commas or line ends.
";

const ENVIRONMENT: &str = "\
Variables of the process override those of `.env`. Any setting can be given as `GEMINI_ADAPTER__SECTION__FIELD`,
with its value written as in TOML: `GEMINI_ADAPTER__SERVER__DRAIN=10s`. A variable that names no setting is an
error.

| variable | setting | description |
|---|---|---|
";

fn push_section(page: &mut String, title: &str, root: &Value, section: &Value) {
    page.push_str(&format!("\n## {title}\n\n"));
    if let Some(about) = section["description"].as_str() {
        page.push_str(&format!("{}\n\n", line(about)));
    }
    page.push_str("| setting | type | default | description |\n|---|---|---|---|\n");
    for (name, field) in section["properties"].as_object().unwrap_or(&Map::new()) {
        let about = line(field["description"].as_str().unwrap_or_default()).replace('|', "\\|");
        let default = match &field["default"] {
            Value::Null => String::new(),
            value => format!("`{value}`"),
        };
        page.push_str(&format!("| `{name}` | {} | {default} | {about} |\n", kind(root, field)));
    }
}

/// Joins a doc comment into one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn kind(root: &Value, field: &Value) -> String {
    if refers_to(field, "Secret") {
        return "secret".to_owned();
    }
    // The schema represents durations as strings.
    if field["default"].as_str().is_some_and(|text| humantime::parse_duration(text).is_ok()) {
        return "duration".to_owned();
    }
    let field = resolve(root, field);
    if let Some(values) = variants(&field) {
        return values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    }
    if field.get("anyOf").is_some() {
        return "text or table".to_owned();
    }
    let name = match &field["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or("table"),
        other => other.as_str().unwrap_or("table"),
    };
    match name {
        "string" => "text".to_owned(),
        "integer" => "number".to_owned(),
        "object" => "table".to_owned(),
        "array" => match kind(root, &field["items"]).as_str() {
            "text or table" => "list of secrets or tables".to_owned(),
            item => format!("list of {item}s"),
        },
        other => other.to_owned(),
    }
}

/// Returns whether a field has exactly this named type, possibly wrapped as schemars does for optional fields and
/// fields with a description.
fn refers_to(field: &Value, name: &str) -> bool {
    let pointer = format!("#/definitions/{name}");
    let choices = field["allOf"].as_array().or(field["anyOf"].as_array());
    let mut choices = choices.into_iter().flatten().filter(|choice| choice["type"] != "null");
    let only = choices.next().filter(|_| choices.next().is_none()).unwrap_or(field);
    only["$ref"].as_str() == Some(&pointer)
}

fn variants(field: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(values) = field["enum"].as_array() {
        return values.iter().map(text).collect();
    }
    let one = |choice: &Value| text(&choice["const"]).or_else(|| text(&choice["enum"][0]));
    field["oneOf"].as_array()?.iter().map(one).collect()
}

/// Follows a reference, and removes the wrapping that schemars puts around one that has its own description.
pub(super) fn resolve(root: &Value, field: &Value) -> Value {
    let inner = match (field["allOf"].as_array(), field["anyOf"].as_array()) {
        (Some(all), _) if all.len() == 1 => &all[0],
        (_, Some(any)) if any.iter().any(|one| one["type"] == "null") => {
            any.iter().find(|one| one["type"] != "null").unwrap_or(field)
        }
        _ => field,
    };
    match inner["$ref"].as_str().and_then(|pointer| root.pointer(pointer.trim_start_matches('#'))) {
        Some(target) => target.clone(),
        None => inner.clone(),
    }
}
