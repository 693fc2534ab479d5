//! The settings of a plugin: declared in its header with a type, a default and a description; set in the
//! configuration; available to scripts as `ctx.config`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::nearest;
use crate::problem::{Problem, Problems};

/// One setting of a plugin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its type.
    r#type: Kind,
    /// The value used if the configuration sets none; without a default, the value is `()`.
    #[serde(default)]
    pub default: Value,
    /// Its description.
    #[serde(default)]
    pub doc: String,
    /// The allowed values; if empty, any value of the type.
    #[serde(default)]
    pub one_of: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    List,
    Table,
}

impl Kind {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Table => value.is_object(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Table => "a table",
        }
    }
}

impl Field {
    /// Returns what is wrong with the declaration itself, if anything.
    pub fn mistake(&self, name: &str) -> Option<String> {
        let kind = self.r#type;
        if !self.default.is_null() && !kind.holds(&self.default) {
            return Some(format!("the default of `{name}` must be {}, as its type says", kind.words()));
        }
        let other = !self.one_of.is_empty() && !self.default.is_null() && !self.one_of.contains(&self.default);
        other.then(|| format!("the default of `{name}` is not in its `one_of`"))
    }

    /// Returns what is wrong with a configured value, if anything.
    fn refusal(&self, value: &Value) -> Option<String> {
        if !self.r#type.holds(value) {
            return Some(format!("must be {}", self.r#type.words()));
        }
        let allowed: Vec<String> = self.one_of.iter().map(ToString::to_string).collect();
        let refused = !self.one_of.is_empty() && !self.one_of.contains(value);
        refused.then(|| format!("must be one of {}", allowed.join(", ")))
    }

    /// Returns the name of its type, as written in the header.
    pub fn type_name(&self) -> &'static str {
        match self.r#type {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::List => "list",
            Kind::Table => "table",
        }
    }
}

/// Resolves a plugin's settings: configured values of declared settings, otherwise defaults. A plugin that declares
/// no settings gets all configured values unchecked.
pub fn resolve(
    name: &str,
    declared: &BTreeMap<String, Field>,
    given: Map<String, Value>,
    problems: &mut Problems,
) -> Map<String, Value> {
    if declared.is_empty() {
        return given;
    }
    let mut config: Map<String, Value> =
        declared.iter().map(|(field, about)| (field.clone(), about.default.clone())).collect();
    for (field, value) in given {
        let place = format!("plugins.settings.{name}.{field}");
        match declared.get(&field) {
            Some(about) => match about.refusal(&value) {
                Some(message) => problems.push(Problem::error(message).at(place).hint(about.doc.clone())),
                None => drop(config.insert(field, value)),
            },
            None => {
                let names = || declared.keys().map(String::as_str);
                let hint = match nearest(&field, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the plugin has `{}`", names().collect::<Vec<_>>().join("`, `")),
                };
                problems.push(Problem::error("there is no such setting").at(place).hint(hint));
            }
        }
    }
    config
}
