//! The configuration file and the files it includes, as one document. A setting can be in only one of them, so the
//! order of files never matters.

use std::path::{Path, PathBuf};

use crate::glob::{self, Glob};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::BUILT_IN;
use super::document::Document;
use super::path::{Step, dotted, steps};
use crate::problem::{Problem, Problems, Source};
use crate::reading::{ReadError, Reading};

/// The setting that lists the files to include.
const INCLUDE: &str = "include";

/// Parsed documents, merged into one.
#[derive(Clone, Default)]
pub struct Documents {
    /// The main file first, then the included files.
    all: Vec<Document>,
    values: Dict,
}

impl Documents {
    /// Returns the built-in document.
    ///
    /// # Errors
    /// Fails only if the built-in document is invalid, which is a bug.
    pub fn built_in() -> Result<Self, Problems> {
        let document = Document::parse(None, BUILT_IN.to_owned())?;
        Ok(Self { values: document.values.clone(), all: vec![document] })
    }

    /// Reads a file and the files it includes.
    ///
    /// # Errors
    /// The outer error is returned if the file cannot be read; the inner one lists the syntax errors in any of the
    /// files.
    pub fn read(path: &Path, reading: &Reading) -> Result<Result<Self, Problems>, ReadError> {
        let text = reading.text(path)?;
        Ok(Document::parse(Some(path.to_owned()), text.to_string()).and_then(|main| Self::include(main, path, reading)))
    }

    /// Returns as much as can be read of a file and its includes; None if the file cannot be read at all.
    pub fn recovered(path: &Path, reading: &Reading) -> Option<Self> {
        let main = Document::recovered(path.to_owned(), reading.text(path).ok()?.to_string());
        let alone = Self { values: main.values.clone(), all: vec![main.clone()] };
        Some(Self::include(main, path, reading).unwrap_or(alone))
    }

    fn include(main: Document, path: &Path, reading: &Reading) -> Result<Self, Problems> {
        let mut documents = Self { values: main.values.clone(), all: vec![main] };
        let mut problems = Problems::new();
        for file in documents.included_files(path, reading, &mut problems) {
            let text = reading.text(&file).map_err(|unread| unreadable(&file, &unread).into());
            match text.and_then(|text| Document::parse(Some(file), text.to_string())) {
                Ok(document) => documents.add(document, &mut problems),
                Err(wrong) => problems.extend(wrong),
            }
        }
        if problems.is_empty() { Ok(documents) } else { Err(problems) }
    }

    /// Returns the files that the main file includes, each once, sorted by name.
    fn included_files(&self, main: &Path, reading: &Reading, problems: &mut Problems) -> Vec<PathBuf> {
        let mut files = Vec::new();
        // A value that is not a list of strings is reported later, when the settings are read.
        let patterns = self.values.get(INCLUDE).and_then(Value::as_array).unwrap_or_default();
        for (index, pattern) in patterns.iter().enumerate() {
            let Some(pattern) = pattern.as_str() else { continue };
            match matching(pattern, main, reading) {
                Ok(found) => files.extend(found),
                Err((message, hint)) => {
                    let path = format!("{INCLUDE}[{index}]");
                    let problem = Problem::error(message).hint(hint);
                    problems.push(Problem { source: self.locate(&path), path, ..problem });
                }
            }
        }
        files.sort();
        files.dedup();
        files
    }

    fn add(&mut self, document: Document, problems: &mut Problems) {
        let mut values = document.values.clone();
        self.all.push(document);
        let Some(document) = self.all.last() else { return };
        if values.remove(INCLUDE).is_some() {
            let problem = Problem::error("an included file cannot include others").at(INCLUDE);
            let hint = "name all files in the `include` of the first one";
            problems.push(Problem { source: document.locate(INCLUDE), ..problem.hint(hint) });
        }
        for path in merge(&mut self.values, values, &mut Vec::new()) {
            let path = dotted(&path);
            let others = self.all.iter().filter(|other| other.file != document.file);
            let other = others.filter_map(|other| other.locate_exactly(&path)).next();
            let too = other.map_or(String::new(), |other| format!(" in {other} too"));
            let problem = Problem::error(format!("is set{too}")).hint("keep it in one file");
            problems.push(Problem { source: document.locate(&path), path, ..problem });
        }
    }

    /// Returns the main file; None for the built-in document.
    pub fn file(&self) -> Option<&Path> {
        self.all.first()?.file.as_deref()
    }

    /// Returns the included files.
    pub fn included(&self) -> impl Iterator<Item = &Path> {
        self.all.iter().skip(1).filter_map(|document| document.file.as_deref())
    }

    /// Returns all texts; those of included files are preceded by the file name.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (index, document) in self.all.iter().enumerate() {
            if index > 0 {
                text.push_str(&format!("\n{:?}\n", document.file));
            }
            text.push_str(&document.text);
        }
        text
    }

    /// Returns the string at `table.name`, if it is a string.
    pub fn text_at(&self, table: &str, name: &str) -> Option<&str> {
        self.values.get(table)?.as_dict()?.get(name)?.as_str()
    }

    /// Returns the position of a setting or of the nearest enclosing table, in the document that contains the longest
    /// part of the path.
    pub fn locate(&self, path: &str) -> Option<Source> {
        let steps = steps(path);
        let depths = self.all.iter().map(|document| (document.depth(&steps), document));
        let nearest = depths.rev().max_by_key(|(depth, _)| *depth)?.1;
        nearest.locate(path)
    }

    /// Returns the position of a setting; None if no document has it.
    pub fn locate_exactly(&self, path: &str) -> Option<Source> {
        self.all.iter().find_map(|document| document.locate_exactly(path))
    }
}

/// Omits the contents, which may be secret.
impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.all).finish()
    }
}

impl Provider for Documents {
    fn metadata(&self) -> Metadata {
        Metadata::named("configuration file")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// Describes a file that cannot be read.
pub fn unreadable(file: &Path, unread: &ReadError) -> Problem {
    Problem::error(format!("cannot be read: {unread}")).in_file(file, None)
}

/// Returns the files that a pattern matches, or what is wrong with the pattern and how to write it. A name without a
/// wildcard is a file that must exist; a wildcard never matches the main file.
fn matching(pattern: &str, main: &Path, reading: &Reading) -> Result<Vec<PathBuf>, (String, &'static str)> {
    let path = main.parent().unwrap_or(Path::new("")).join(pattern);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(("names no file".to_owned(), "write a path such as `conf.d/*.toml`"));
    };
    if folder.to_str().is_some_and(glob::is_pattern) {
        return Err(("has a wildcard in a folder's name".to_owned(), "write each folder: `conf.d/*.toml`"));
    }
    if !glob::is_pattern(name) {
        return if path == main {
            Err(("includes the file itself".to_owned(), "leave it out"))
        } else {
            Ok(vec![path])
        };
    }
    match reading.list(folder) {
        Ok(mut files) => {
            let wanted = Glob::new(name);
            // Hidden files belong to editors, or are the folders behind a mounted ConfigMap.
            let meant = |name: &str| wanted.matches(name) && !name.starts_with('.');
            files.retain(|file| file != main && file.file_name().and_then(|name| name.to_str()).is_some_and(meant));
            Ok(files)
        }
        Err(unread) if unread.is_absent() => Ok(Vec::new()),
        Err(unread) => Err((format!("`{}` cannot be read: {unread}", folder.display()), "name a folder")),
    }
}

/// Merges `from` into `into`, table by table. Returns the paths of conflicts: values that are in both and are not
/// both tables.
fn merge(into: &mut Dict, from: Dict, path: &mut Vec<Step>) -> Vec<Vec<Step>> {
    let mut clashes = Vec::new();
    for (name, value) in from {
        path.push(Step::Key(name.clone()));
        match (into.get_mut(&name), value) {
            (Some(Value::Dict(_, into)), Value::Dict(_, from)) => clashes.extend(merge(into, from, path)),
            (Some(_), _) => clashes.push(path.clone()),
            (None, value) => {
                into.insert(name, value);
            }
        }
        path.pop();
    }
    clashes
}
