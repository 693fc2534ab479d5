//! The environment as one value: the process's variables, which override those of `.env`, and the files that hold
//! secrets. It is read once per load and passed down.
//! Never: `std::env` anywhere else, or a value in a `Debug`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reading::Reading;
use crate::secret::{MASK, Secret};

/// Environment variables by name, and secret files by path.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    reading: Reading,
}

impl Environment {
    /// Builds an environment from pairs; later pairs win.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: pairs.into_iter().collect(), reading: Reading::default() }
    }

    /// Uses `reading` for secret files, so they belong to the same load.
    pub fn reading(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    /// A variable's value, trimmed. An empty variable counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Names and values, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// How a configuration refers to a secret: the text itself, `env:NAME`, or `file:PATH`. The variable or file may hold
/// several secrets, separated by commas or line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// The text itself.
    Literal(Secret),
    /// The name of an environment variable.
    Env(String),
    /// The path of a file.
    File(PathBuf),
}

impl SecretRef {
    /// Parses the notation.
    pub fn parse(text: &str) -> Self {
        match text.trim().split_once(':') {
            Some(("env", name)) => Self::Env(name.trim().to_owned()),
            Some(("file", path)) => Self::File(Path::new(path.trim()).to_owned()),
            _ => Self::Literal(Secret::new(text)),
        }
    }

    /// The secrets this refers to. An unset variable or an empty file yields none.
    ///
    /// # Errors
    /// A message without a location when a file cannot be read.
    pub fn resolve(&self, environment: &Environment) -> Result<Vec<Secret>, String> {
        match self {
            Self::Literal(secret) => Ok(vec![secret.clone()]),
            Self::Env(name) => Ok(split(environment.get(name).unwrap_or_default())),
            Self::File(path) => match environment.reading.secret(path) {
                Ok(text) => Ok(split(&text)),
                Err(error) => Err(format!("cannot read secret file `{}`: {error}", path.display())),
            },
        }
    }

    /// The notation with a literal masked, safe for logs and pages.
    pub fn masked(&self) -> String {
        match self {
            Self::Literal(_) => MASK.to_owned(),
            Self::Env(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{}", path.display()),
        }
    }
}

fn split(text: &str) -> Vec<Secret> {
    text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()).map(Secret::new).collect()
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

/// Masked, because serialised values may be displayed.
impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A secret: the text itself, `env:NAME`, or `file:PATH`. A variable or a file may hold several, split at commas or line ends."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_expand() {
        let environment = Environment::from_pairs([("KEYS".into(), " a, b\nc ,,".into())]);
        let secrets = SecretRef::parse("env:KEYS").resolve(&environment).unwrap();
        assert_eq!(secrets.iter().map(Secret::expose).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(SecretRef::parse("env:NONE").resolve(&environment).unwrap().is_empty());
    }

    #[test]
    fn shows_masked() {
        assert_eq!(serde_json::to_string(&SecretRef::parse("AIzaX")).unwrap(), r#""[secret]""#);
        assert_eq!(serde_json::to_string(&SecretRef::parse("env:X")).unwrap(), r#""env:X""#);
        let environment = Environment::from_pairs([("KEYS".into(), "canary".into())]);
        assert!(!format!("{environment:?}").contains("canary"));
    }
}
