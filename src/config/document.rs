//! The TOML document: its values for the layers, its places for the problems.

use std::path::PathBuf;

use figment::value::{Dict, Map};
use figment::{Metadata, Profile, Provider};
use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, Problems};

/// A document that parses.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it came from; none for the built-in one.
    pub file: Option<PathBuf>,
    /// As it was read.
    pub text: String,
    values: Dict,
}

/// A step of a dotted path: `pools.default.keys[2]`, `models.aliases."gpt-4.1"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
}

impl Document {
    /// Parses the text.
    pub fn parse(file: Option<PathBuf>, text: String) -> Result<Self, Problems> {
        // The recoverable parser finds every mistake of form, not only the first.
        let (_, errors) = DeTable::parse_recoverable(&text);
        let name = file.clone().unwrap_or_else(|| "built-in configuration".into());
        let place = |error: &toml::de::Error| error.span().map(|span| line_and_column(&text, span.start));
        let mut problems = Problems::new();
        problems.extend(errors.iter().map(|error| {
            Problem::error(format!("is no TOML: {}", error.message())).in_file(&name, place(error))
        }));
        match toml::from_str::<Dict>(&text) {
            Ok(values) if problems.is_empty() => Ok(Self { file, text, values }),
            Ok(_) => Err(problems),
            Err(error) => {
                if problems.is_empty() {
                    problems.push(Problem::error(error.message().to_owned()).in_file(&name, place(&error)));
                }
                Err(problems)
            }
        }
    }

    /// Adds the place of the problem's setting, or of the nearest table around it that is in the document.
    pub fn locate(&self, problem: &mut Problem) {
        let Some(file) = &self.file else { return };
        let offset = self.offset(&steps(&problem.path));
        let place = offset.map(|offset| line_and_column(&self.text, offset));
        *problem = problem.clone().in_file(file, place);
    }

    /// The byte at which the key at this path begins.
    fn offset(&self, path: &[Step]) -> Option<usize> {
        let table = DeTable::parse(&self.text).ok()?;
        let mut found = None;
        let mut here = DeValue::Table(table.into_inner());
        for step in path {
            let next = match (&here, step) {
                (DeValue::Table(table), Step::Key(name)) => {
                    let entry = table.iter().find(|(key, _)| key.get_ref() == name.as_str());
                    entry.map(|(key, value)| (key.span().start, value.get_ref().clone()))
                }
                (DeValue::Array(items), Step::Index(index)) => {
                    items.get(*index).map(|item| (item.span().start, item.get_ref().clone()))
                }
                _ => None,
            };
            let Some((start, value)) = next else { break };
            found = Some(start);
            here = value;
        }
        found
    }
}

impl Provider for Document {
    fn metadata(&self) -> Metadata {
        Metadata::named("configuration file")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// The steps of a dotted path.
pub fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut flush = |word: &mut String, index: bool| {
        let text = std::mem::take(word);
        match text.parse() {
            Ok(index_value) if index => steps.push(Step::Index(index_value)),
            _ if !text.is_empty() => steps.push(Step::Key(text)),
            _ => {}
        }
    };
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' | '[' if !quoted => flush(&mut word, false),
            ']' if !quoted => flush(&mut word, true),
            other => word.push(other),
        }
    }
    flush(&mut word, false);
    steps
}

/// A path's dotted form.
pub fn dotted(steps: &[Step]) -> String {
    let bare = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&if bare(name) { name.clone() } else { format!("\"{name}\"") });
            }
        }
    }
    text
}

/// Both from 1; columns count characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
