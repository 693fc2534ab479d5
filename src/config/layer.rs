//! A single value that overrides the document: from a variable, or from the command line.

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::path::{Step, dotted, steps};
use crate::problem::Source;

/// A single value that overrides the document.
#[derive(Clone)]
pub struct Layer {
    /// Where it comes from.
    pub source: Source,
    /// The path of the setting.
    pub path: Vec<Step>,
    /// The value.
    pub value: Value,
}

impl Layer {
    /// Creates a layer from a command line option: a dotted path and a TOML value.
    pub fn option(path: &str, value: &str) -> Self {
        Self { source: Source::CommandLine, path: steps(path), value: toml_value(value) }
    }
}

/// Omits the value, which may be a secret.
impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} from {}", dotted(&self.path), self.source)
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("variable or option")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = self.path.iter().rev().fold(self.value.clone(), |value, step| match step {
            Step::Key(name) => Dict::from([(name.clone(), value)]).into(),
            // List elements cannot be set individually; only the whole list can.
            Step::Index(index) => Dict::from([(index.to_string(), value)]).into(),
        });
        Ok(Map::from([(Profile::Default, nested.into_dict().unwrap_or_default())]))
    }
}

/// Parses a TOML value; anything else is taken as a string.
pub fn toml_value(text: &str) -> Value {
    let document = toml::from_str::<Dict>(&format!("value = {text}"));
    let only = document.ok().filter(|dict| dict.len() == 1).and_then(|mut dict| dict.remove("value"));
    only.unwrap_or_else(|| text.into())
}
