//! The sources of a configuration, and what was read from them: read once per load.

use std::path::{Path, PathBuf};

use super::documents::{Documents, unreadable};
use super::layer::Layer;
use super::path::steps;
use super::variables;
use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems, Source};
use crate::reading::Reading;
use crate::secret::Digest;

/// The sources of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configuration file. None means [`Sources::DEFAULT`] if it exists, otherwise the built-in document.
    pub file: Option<PathBuf>,
    /// A file with variables, if it exists. The process's own variables override it.
    pub dotenv: PathBuf,
    /// The variables of the process.
    pub process: Environment,
    /// Settings from the command line, by dotted path and TOML value. They override everything else.
    pub overrides: Vec<(String, String)>,
}

/// What was read from the sources.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub document: Documents,
    pub environment: Environment,
    /// Values from variables and the command line, in order of increasing priority.
    pub layers: Vec<Layer>,
}

impl Sources {
    /// The file that is read if none is named.
    pub const DEFAULT: &str = "config/config.toml";

    /// Returns the file that is or would be read.
    pub fn path(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new(Self::DEFAULT))
    }

    /// Reads everything. Returns None if the document cannot be parsed; all other problems do not prevent a result.
    pub(super) fn gather(&self, reading: &Reading, problems: &mut Problems) -> Option<Gathered> {
        let environment = self.environment(reading, problems);
        let document = match Documents::read(self.path(), reading) {
            Ok(document) => document,
            Err(unread) if unread.is_absent() && self.file.is_none() => Documents::built_in(),
            Err(unread) => Err(unreadable(self.path(), &unread).into()),
        };
        match document {
            Ok(document) => Some(self.layered(document, environment, problems)),
            Err(wrong) => {
                problems.extend(wrong);
                None
            }
        }
    }

    /// Reads as much as possible, even if the document cannot be parsed.
    pub(super) fn gather_lenient(&self, reading: &Reading) -> Gathered {
        let mut ignored = Problems::new();
        let environment = self.environment(reading, &mut ignored);
        let document = Documents::recovered(self.path(), reading).or_else(|| Documents::built_in().ok());
        self.layered(document.unwrap_or_default(), environment, &mut ignored)
    }

    fn layered(&self, document: Documents, environment: Environment, problems: &mut Problems) -> Gathered {
        let mut layers = variables::layers(&environment, &document, problems);
        layers.extend(self.overrides.iter().map(|(path, value)| Layer::option(path, value)));
        Gathered { document, environment, layers }
    }

    /// Returns the variables of `.env`, overridden by those of the process.
    fn environment(&self, reading: &Reading, problems: &mut Problems) -> Environment {
        let mut pairs = Vec::new();
        match reading.secret(&self.dotenv) {
            Ok(text) => pairs.extend(dotenv(&self.dotenv, &text, problems)),
            Err(error) if error.is_absent() => {}
            Err(error) => {
                problems.push(unreadable(&self.dotenv, &error));
            }
        }
        pairs.extend(self.process.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        Environment::from_pairs(pairs).reading(reading.clone())
    }
}

/// Parses the pairs of a `.env` file.
fn dotenv(file: &Path, text: &str, problems: &mut Problems) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok(pair) => pairs.push(pair),
            Err(error) => {
                // The error quotes the line, which may contain a secret, so it is only used to find the line number.
                let quoted = if let dotenvy::Error::LineParse(quoted, _) = error { quoted } else { String::new() };
                let first = quoted.lines().next().unwrap_or_default().trim();
                let line = text.lines().position(|line| !first.is_empty() && line.trim() == first);
                let problem =
                    Problem::error("is not of the form `NAME=value`").hint("put values with spaces or `#` in quotes");
                problems.push(Problem {
                    source: Some(Source::File { file: file.to_owned(), line: line.map(|line| line + 1), column: None }),
                    ..problem
                });
            }
        }
    }
    pairs
}

impl Gathered {
    /// Returns a fingerprint that changes whenever the document, an override or a referenced secret changes: 12 hex
    /// digits.
    pub fn hash<'a>(&self, secrets: impl Iterator<Item = &'a SecretRef>) -> String {
        let mut text = self.document.text();
        for layer in &self.layers {
            text.push_str(&format!("\n{layer:?} {}", serde_json::to_string(&layer.value).unwrap_or_default()));
        }
        for reference in secrets {
            text.push_str(&format!("\n{}", reference.masked()));
            for secret in reference.resolve(&self.environment).unwrap_or_default() {
                text.push_str(&format!(" {}", secret.digest().hex(32)));
            }
        }
        Digest::of(&text).hex(6)
    }

    /// Returns the source of a setting or of something in it; otherwise the position in the document of the setting
    /// or of the nearest enclosing table.
    pub fn locate(&self, path: &str) -> Option<Source> {
        let within = || {
            let steps = steps(path);
            self.layers.iter().rev().find(|layer| layer.path.starts_with(&steps)).map(|layer| layer.source.clone())
        };
        self.source_of(path).or_else(within).or_else(|| self.document.locate(path))
    }

    /// Returns the source of a setting; None if it has its default.
    pub fn source_of(&self, path: &str) -> Option<Source> {
        let steps = steps(path);
        let over = self.layers.iter().rev().find(|layer| steps.starts_with(&layer.path));
        over.map(|layer| layer.source.clone()).or_else(|| self.document.locate_exactly(path))
    }
}
