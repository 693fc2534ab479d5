//! Problems in a configuration or plugin: where, what, and what to do about it. All problems are reported together,
//! never only the first.
//! Never: the offending value when it may be a secret.

mod display;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use display::Colours;

/// The severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is rejected.
    Error,
    /// The configuration is accepted, but deserves attention.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The severity.
    pub severity: Severity,
    /// Where the problem is: a file, an environment variable or the command line. None when it has no single location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The setting, as a dotted path: `pools.default.keys[2].weight`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is wrong, in lower case, without the location.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The source line, with every value that may be a secret masked character by character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file, with the position if known.
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
    /// The command line.
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

    /// Sets the setting concerned.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the file, and the line and column if known.
    pub fn in_file(mut self, file: impl Into<PathBuf>, place: Option<(usize, usize)>) -> Self {
        let (line, column) = place.unzip();
        self.source = Some(Source::File { file: file.into(), line, column });
        self
    }

    /// Sets the environment variable it comes from.
    pub fn in_environment(mut self, name: impl Into<String>) -> Self {
        self.source = Some(Source::Environment(name.into()));
        self
    }

    /// Sets the source.
    pub fn from_source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// Sets the hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All problems found by one check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether any problem is an error, so that the configuration is rejected.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// In the order they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// For adding locations afterwards.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Problem> {
        self.0.iter_mut()
    }

    /// Sorts by location: files first, each from top to bottom, then environment variables, then the command line, then
    /// problems without a location.
    pub fn sort(&mut self) {
        let place = |problem: &Problem| match &problem.source {
            Some(Source::File { file, line, column }) => (0, file.display().to_string(), *line, *column),
            Some(Source::Environment(name)) => (1, name.clone(), None, None),
            Some(Source::CommandLine) => (2, String::new(), None, None),
            None => (3, String::new(), None, None),
        };
        self.0.sort_by_cached_key(place);
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of problems.
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
