//! The configuration to start with, generated from the doc comments of the settings. Settings of the shipped
//! configuration are set; all others are commented out with their defaults.

use serde_json::Value;

use super::reference::{resolve, schema};
use super::{BUILT_IN, Settings};

/// Maximum width of a comment.
const WIDTH: usize = 110;

const HEAD: &str = "#:schema ./schema.json
# gemini-adapter configuration. Changes are applied as soon as this file is saved; an invalid file changes nothing and
# is reported. Settings that are commented out have the value shown. `gemini-adapter check` lists all errors. Keep
# secrets in the environment or in files: `env:NAME`, `file:PATH`.
";

/// Returns the text of the file.
pub fn text() -> String {
    let schema: Value = serde_json::from_str(&schema()).unwrap_or_default();
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    let writer = Writer { schema: &schema, set: toml::from_str(BUILT_IN).unwrap_or_default(), defaults };
    let mut text = String::from(HEAD);
    for (name, section) in schema["properties"].as_object().into_iter().flatten() {
        let resolved = resolve(&schema, section);
        if resolved["properties"].is_object() {
            writer.section(&mut text, &[name], &resolved);
        } else if let Some(one) = section.get("additionalProperties") {
            // Sections with names chosen by the user: `default`, which always exists, serves as the example.
            writer.section(&mut text, &[name, "default"], &resolve(&schema, one));
        } else if let Some(one) = section.get("items").map(|one| resolve(&schema, one)).filter(has_fields) {
            writer.list(&mut text, name, section, &one);
        } else {
            text.push('\n');
            writer.field(&mut text, &[name], section);
        }
    }
    text
}

fn has_fields(section: &Value) -> bool {
    section["properties"].is_object()
}

struct Writer<'s> {
    schema: &'s Value,
    /// What the shipped configuration sets.
    set: toml::Table,
    defaults: Value,
}

impl Writer<'_> {
    fn section(&self, text: &mut String, path: &[&str], section: &Value) {
        text.push('\n');
        comment(text, section);
        text.push_str(&format!("[{}]\n", path.join(".")));
        let (tables, plain): (Vec<_>, Vec<_>) =
            section["properties"].as_object().into_iter().flatten().partition(|(_, field)| self.is_table(field));
        for (name, field) in plain {
            self.field(text, &[path, &[name]].concat(), field);
        }
        for (name, field) in tables {
            self.table(text, &[path, &[name]].concat(), field);
        }
    }

    /// Writes a list of tables. It is empty by default and even its header would add an entry, so all of it is
    /// commented out.
    fn list(&self, text: &mut String, name: &str, section: &Value, one: &Value) {
        text.push('\n');
        comment(text, section);
        left_out(text, &format!("[[{name}]]"), one);
    }

    /// Writes a setting, commented out if it has its default.
    fn field(&self, text: &mut String, path: &[&str], field: &Value) {
        comment(text, field);
        let name = path.last().copied().unwrap_or_default();
        match (self.set(path), self.default(path)) {
            (Some(value), _) => text.push_str(&format!("{name} = {value}\n")),
            (None, Some(value)) => text.push_str(&format!("#{name} = {value}\n")),
            (None, None) => text.push_str(&format!("# {name} is left out.\n")),
        }
    }

    /// Writes a table whose keys are the user's, or an optional table.
    fn table(&self, text: &mut String, path: &[&str], field: &Value) {
        text.push('\n');
        comment(text, field);
        let Some(entries) = self.set(path).and_then(toml::Value::as_table) else {
            let head = format!("[{}]", path.join("."));
            let resolved = resolve(self.schema, field);
            match has_fields(&resolved) {
                true => left_out(text, &head, &resolved),
                false => text.push_str(&format!("#{head}\n")),
            }
            return;
        };
        text.push_str(&format!("[{}]\n", path.join(".")));
        for (name, value) in entries {
            text.push_str(&format!("{} = {value}\n", toml::Value::String(name.clone())));
        }
    }

    fn is_table(&self, field: &Value) -> bool {
        let resolved = resolve(self.schema, field);
        resolved["type"] == "object" || resolved["properties"].is_object()
    }

    fn set(&self, path: &[&str]) -> Option<&toml::Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.set.get(*first)?, |value, name| value.get(*name))
    }

    fn default(&self, path: &[&str]) -> Option<toml::Value> {
        let value = path.iter().try_fold(&self.defaults, |value, name| value.get(*name))?;
        toml::Value::try_from(value).ok()
    }
}

/// Writes an optional table and its fields, all commented out: the header alone would be an error or enable
/// something.
fn left_out(text: &mut String, head: &str, table: &Value) {
    text.push_str(&format!("# {head}\n"));
    for (field, about) in table["properties"].as_object().into_iter().flatten() {
        comment(text, about);
        text.push_str(&format!("# {field} is left out.\n"));
    }
}

/// Writes the description as comment lines.
fn comment(text: &mut String, field: &Value) {
    let mut line = String::from("#");
    for word in field["description"].as_str().unwrap_or_default().split_whitespace() {
        if line.chars().count() + word.chars().count() >= WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.len() > 1 {
        text.push_str(&line);
        text.push('\n');
    }
}
