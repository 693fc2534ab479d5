//! One value over the document: from a variable, or from the command line.

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::path::{Step, dotted, steps};
use crate::problem::Source;

/// One value over the document.
#[derive(Clone)]
pub struct Layer {
    /// Who set it.
    pub source: Source,
    /// The setting.
    pub path: Vec<Step>,
    /// What it is set to.
    pub value: Value,
}

impl Layer {
    /// From the command line: a dotted path and a TOML value.
    pub fn option(path: &str, value: &str) -> Self {
        Self { source: Source::CommandLine, path: steps(path), value: toml_value(value) }
    }
}

/// Without the value: it may be a secret.
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
            // A member of a list has no place of its own from outside: the list is set as a whole.
            Step::Index(index) => Dict::from([(index.to_string(), value)]).into(),
        });
        Ok(Map::from([(Profile::Default, nested.into_dict().unwrap_or_default())]))
    }
}

/// A TOML value; what is none is a text.
pub fn toml_value(text: &str) -> Value {
    let document = toml::from_str::<Dict>(&format!("value = {text}"));
    let only = document.ok().filter(|dict| dict.len() == 1).and_then(|mut dict| dict.remove("value"));
    only.unwrap_or_else(|| text.into())
}
