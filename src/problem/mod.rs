//! What is wrong with a configuration or a plugin: where, what, and what to do next. All at once, never only the first.
//! Never: the offending value when its place may hold a secret.

mod display;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use display::Colours;

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration works, but somebody should look.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How grave it is.
    pub severity: Severity,
    /// The file it is in, or `environment variable NAME`; none when it is in no single place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The setting, as a dotted path: `pools.default.keys[2].weight`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is wrong, in lower case, without the place.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line it is in, with every value that may be a secret masked character by character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file, with the place in it when known (both from 1).
    File {
        /// As the user named it.
        file: PathBuf,
        /// Line, from 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
        /// Column, from 1, in characters.
        #[serde(skip_serializing_if = "Option::is_none")]
        column: Option<usize>,
    },
    /// An environment variable, by name.
    Environment(String),
    /// An option of the command line.
    CommandLine,
}

impl Problem {
    /// An error with this message.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            source: None,
            path: String::new(),
            message: message.into(),
            hint: None,
            excerpt: None,
        }
    }

    /// A warning with this message.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// About this setting.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// In this file, at this line and column when known.
    pub fn in_file(mut self, file: impl Into<PathBuf>, place: Option<(usize, usize)>) -> Self {
        let (line, column) = place.unzip();
        self.source = Some(Source::File { file: file.into(), line, column });
        self
    }

    /// From this environment variable.
    pub fn in_environment(mut self, name: impl Into<String>) -> Self {
        self.source = Some(Source::Environment(name.into()));
        self
    }

    /// From there.
    pub fn from_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// What to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All problems found in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether any of them refuses the configuration.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// In the order they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// For adding places after the fact.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Problem> {
        self.0.iter_mut()
    }

    /// In the order of their places: file by file from top to bottom, then variables, then what is in no single place.
    pub fn sort(&mut self) {
        let place = |problem: &Problem| match &problem.source {
            Some(Source::File { file, line, column }) => (0, file.display().to_string(), *line, *column),
            Some(Source::Environment(name)) => (1, name.clone(), None, None),
            Some(Source::CommandLine) => (2, String::new(), None, None),
            None => (3, String::new(), None, None),
        };
        self.0.sort_by_cached_key(place);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, problems: T) {
        self.0.extend(problems);
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl std::error::Error for Problems {}
