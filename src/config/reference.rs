//! The reference of the configuration, made from the doc comments of the settings: `docs/config.md` for people,
//! `config/schema.json` for editors.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::variables::VARIABLES;
use super::{BUILT_IN, Settings};

/// The JSON Schema, draft 7: the newest that the TOML plugins of editors agree on.
pub fn schema() -> String {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Settings>().to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".into(), "gemini-adapter configuration".into());
    }
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// The page.
pub fn page() -> String {
    let schema: Value = serde_json::from_str(&schema()).unwrap_or_default();
    let mut page = String::from(INTRODUCTION);
    let sections = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, section) in &sections {
        let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
        let defaults = defaults.get(name).cloned().unwrap_or_default();
        if name == "pools" {
            push_section(&mut page, "pools.NAME", &schema, &resolve(&schema, &section["additionalProperties"]), &defaults["default"]);
            push_section(&mut page, "a key, as a table", &schema, &schema["definitions"]["KeyTable"], &Value::Null);
        } else {
            push_section(&mut page, name, &schema, &resolve(&schema, section), &defaults);
        }
        if name == "models" {
            push_section(&mut page, "an alias, as a table", &schema, &schema["definitions"]["AliasTable"], &Value::Null);
        }
    }
    page.push_str("\n## Environment\n\n");
    page.push_str(ENVIRONMENT);
    for variable in VARIABLES {
        let path = if variable.path.is_empty() { String::new() } else { format!("`{}`", variable.path) };
        page.push_str(&format!("| `{}` | {path} | {} |\n", variable.name, variable.about));
    }
    page.push_str(&format!("\n## The shipped configuration\n\nIt equals the defaults.\n\n```toml\n{BUILT_IN}```\n"));
    page
}

const INTRODUCTION: &str = "<!-- Made from the doc comments of the settings: `gemini-adapter reference --write`. -->
# Configuration

`config/config.toml`, or the file named by `--config`. Saving it changes the running server within a second; a mistake changes
nothing and is reported with file, line, column and a hint: in the log, in `GET /admin/config`, and as the metric
`gemini_adapter_config_last_reload_successful`. `gemini-adapter check` finds the same problems without a server.

Each layer is over the one before: the built-in document (or the file instead of it), `.env` and the environment, the command
line. Unknown settings are mistakes. Durations are `\"90s\"`, `\"10m\"`. A secret is the text itself, `\"env:NAME\"` or
`\"file:PATH\"`; what those lead to may hold several, split at commas or line ends.
";

const ENVIRONMENT: &str = "Variables of the process win over those of `.env`. Any setting can be given as `GEMINI_ADAPTER__SECTION__FIELD`, its value
written as in TOML: `GEMINI_ADAPTER__SERVER__DRAIN=10s`.

| variable | setting | what it is |
|---|---|---|
";

fn push_section(page: &mut String, title: &str, root: &Value, section: &Value, defaults: &Value) {
    let heading = if title.contains(' ') { format!("\n### {title}\n\n") } else { format!("\n## `[{title}]`\n\n") };
    page.push_str(&heading);
    if let Some(about) = section["description"].as_str() {
        page.push_str(&format!("{}\n\n", about.replace('\n', " ")));
    }
    page.push_str("| setting | type | default | what it is |\n|---|---|---|---|\n");
    for (name, field) in section["properties"].as_object().unwrap_or(&Map::new()) {
        let about = field["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let default = defaults.get(name).or(field.get("default")).filter(|value| !value.is_null());
        let default = default.map(|value| format!("`{}`", shown(value))).unwrap_or_default();
        page.push_str(&format!("| `{name}` | {} | {default} | {about} |\n", kind(root, field)));
    }
}

/// A default as TOML has it; tables are left to the shipped configuration.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(_) => "see below".to_owned(),
        other => other.to_string(),
    }
}

fn kind(root: &Value, field: &Value) -> String {
    let field = resolve(root, field);
    if let Some(values) = variants(&field) {
        return values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    }
    if field.get("anyOf").is_some() {
        return "text or table".to_owned();
    }
    let kind = match &field["type"] {
        Value::Array(kinds) => kinds[0].as_str().unwrap_or_default().to_owned(),
        other => other.as_str().unwrap_or("table").to_owned(),
    };
    match kind.as_str() {
        "string" => "text".to_owned(),
        "integer" => "number".to_owned(),
        "object" => "table".to_owned(),
        "array" => format!("list of {}", kind_of_items(root, &field)),
        _ => kind,
    }
}

fn kind_of_items(root: &Value, field: &Value) -> String {
    match kind(root, &field["items"]).as_str() {
        "text" => "texts".to_owned(),
        "text or table" => "texts or tables".to_owned(),
        other => other.to_owned(),
    }
}

fn variants(field: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(values) = field["enum"].as_array() {
        return values.iter().map(text).collect();
    }
    let one = |choice: &Value| text(&choice["const"]).or_else(|| text(&choice["enum"][0]));
    field["oneOf"].as_array()?.iter().map(one).collect()
}

/// Follows a reference, and the wrapping that schemars puts around one that has a description of its own.
fn resolve(root: &Value, field: &Value) -> Value {
    let inner = match (field["allOf"].as_array(), field["anyOf"].as_array()) {
        (Some(all), _) if all.len() == 1 => &all[0],
        (_, Some(any)) if any.iter().any(|one| one["type"] == "null") => any.iter().find(|one| one["type"] != "null").unwrap_or(field),
        _ => field,
    };
    match inner["$ref"].as_str().and_then(|pointer| root.pointer(pointer.trim_start_matches('#'))) {
        Some(target) => target.clone(),
        None => inner.clone(),
    }
}
