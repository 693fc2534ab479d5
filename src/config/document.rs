//! One TOML document: its values for the layers, and positions in it for problems.

use std::path::PathBuf;

use figment::value::Dict;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::path::{Step, steps};
use crate::problem::{Problem, Problems, Source};

/// A document that was parsed.
#[derive(Clone)]
pub struct Document {
    /// The file it came from; None for the built-in document.
    pub file: Option<PathBuf>,
    /// The text as it was read.
    pub text: String,
    /// The values.
    pub values: Dict,
}

/// A key on a path.
struct Found {
    /// The byte offset at which it begins.
    offset: usize,
    /// How many steps of the path were found.
    depth: usize,
    /// Whether its value is neither a table nor a list.
    plain: bool,
}

impl Document {
    /// Parses the text.
    ///
    /// # Errors
    /// Returns all syntax errors, not only the first, each with its position.
    pub fn parse(file: Option<PathBuf>, text: String) -> Result<Self, Problems> {
        let (_, errors) = DeTable::parse_recoverable(&text);
        let name = file.clone().unwrap_or_else(|| "built-in configuration".into());
        let problem = |error: &toml::de::Error| {
            let place = error.span().map(|span| line_and_column(&text, span.start));
            // Uses only the message, because the error's own rendering quotes the line, which may contain a secret.
            Problem::error(format!("is not valid TOML: {}", error.message().replace('\n', "; "))).in_file(&name, place)
        };
        let mut problems = Problems::new();
        problems.extend(errors.iter().map(problem));
        match toml::from_str::<Dict>(&text) {
            Ok(values) if problems.is_empty() => return Ok(Self { file, text, values }),
            Err(error) if problems.is_empty() => problems.push(problem(&error)),
            _ => {}
        }
        Err(problems)
    }

    /// Returns as much as can be read of a text that is not valid TOML.
    pub fn recovered(file: PathBuf, text: String) -> Self {
        let (table, _) = DeTable::parse_recoverable(&text);
        let values = Dict::deserialize(toml::de::Deserializer::from(table)).unwrap_or_default();
        Self { file: Some(file), text, values }
    }

    /// Returns how many steps of a path exist in the document.
    pub fn depth(&self, path: &[Step]) -> usize {
        self.find(path).map_or(0, |found| found.depth)
    }

    /// Returns the position of a setting, or of the nearest enclosing table in the document.
    pub fn locate(&self, path: &str) -> Option<Source> {
        let place = self.find(&steps(path)).map(|found| line_and_column(&self.text, found.offset));
        self.source(place)
    }

    /// Returns the position of a setting, or of a plain value in place of a table on its path; None if the document
    /// has neither.
    pub fn locate_exactly(&self, path: &str) -> Option<Source> {
        let steps = steps(path);
        let found = self.find(&steps)?;
        let whole = found.depth == steps.len() || found.plain;
        whole.then(|| self.source(Some(line_and_column(&self.text, found.offset))))?
    }

    fn source(&self, place: Option<(usize, usize)>) -> Option<Source> {
        let (line, column) = place.unzip();
        Some(Source::File { file: self.file.clone()?, line, column })
    }

    /// Returns the deepest key on this path.
    fn find(&self, path: &[Step]) -> Option<Found> {
        let root = DeTable::parse(&self.text).ok()?;
        let mut found = None;
        let mut here: Option<&DeValue<'_>> = None;
        for (depth, step) in path.iter().enumerate() {
            let table = if depth == 0 { Some(root.get_ref()) } else { here.and_then(DeValue::as_table) };
            let next = match (table, step) {
                (Some(table), Step::Key(name)) => {
                    let entry = table.iter().find(|(key, _)| key.get_ref() == name.as_str());
                    entry.map(|(key, value)| (key.span().start, value))
                }
                (None, Step::Index(index)) => here
                    .and_then(DeValue::as_array)
                    .and_then(|items| items.get(*index))
                    .map(|item| (item.span().start, item)),
                _ => None,
            };
            let Some((start, value)) = next else { break };
            let value = value.get_ref();
            let plain = value.as_table().is_none() && value.as_array().is_none();
            found = Some(Found { offset: start, depth: depth + 1, plain });
            here = Some(value);
        }
        found
    }
}

/// Omits the text, which may contain secrets.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Converts a byte offset to line and column. Both start at 1; columns count characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
