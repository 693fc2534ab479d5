//! The file and those it includes, as one document. A setting may stand in one of them only, so that no order among files
//! decides anything.

use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use wildmatch::WildMatch;

use super::BUILT_IN;
use super::document::Document;
use super::path::{Step, dotted, steps};
use crate::problem::{Problem, Problems, Source};
use crate::reading::{Reading, Unread};

/// The setting that names files to include.
const INCLUDE: &str = "include";

/// Documents that parse, as one.
#[derive(Clone, Default)]
pub struct Documents {
    /// The file itself first, then what it includes.
    all: Vec<Document>,
    values: Dict,
}

impl Documents {
    /// The built-in one.
    ///
    /// # Errors
    /// None, unless the program was built wrongly.
    pub fn built_in() -> Result<Self, Problems> {
        let document = Document::parse(None, BUILT_IN.to_owned())?;
        Ok(Self { values: document.values.clone(), all: vec![document] })
    }

    /// Reads a file, and what it includes.
    ///
    /// # Errors
    /// Why it cannot be read, outside; inside, every mistake of form in any of them.
    pub fn read(path: &Path, reading: &Reading) -> Result<Result<Self, Problems>, Unread> {
        let text = reading.text(path)?;
        Ok(Document::parse(Some(path.to_owned()), text.to_string()).and_then(|main| Self::include(main, path, reading)))
    }

    /// What is whole in a file, and in what it includes; None when it cannot be read at all.
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

    /// The files that the main one names, each once, in the order of their names.
    fn included_files(&self, main: &Path, reading: &Reading, problems: &mut Problems) -> Vec<PathBuf> {
        let mut files = Vec::new();
        // What is no list of texts is told when the settings are read.
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

    /// The file; none for the built-in document.
    pub fn file(&self) -> Option<&Path> {
        self.all.first()?.file.as_deref()
    }

    /// The included files.
    pub fn included(&self) -> impl Iterator<Item = &Path> {
        self.all.iter().skip(1).filter_map(|document| document.file.as_deref())
    }

    /// All texts; those of included files after the names by which they are included.
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

    /// The text at `table.name`, when it is one.
    pub fn text_at(&self, table: &str, name: &str) -> Option<&str> {
        self.values.get(table)?.as_dict()?.get(name)?.as_str()
    }

    /// The place of a setting, or of the nearest table around it; of several files, in the one that comes nearest.
    pub fn locate(&self, path: &str) -> Option<Source> {
        let steps = steps(path);
        let depths = self.all.iter().map(|document| (document.depth(&steps), document));
        let nearest = depths.rev().max_by_key(|(depth, _)| *depth)?.1;
        nearest.locate(path)
    }

    /// The place of a setting; None when it is in none of them.
    pub fn locate_exactly(&self, path: &str) -> Option<Source> {
        self.all.iter().find_map(|document| document.locate_exactly(path))
    }
}

/// Without what is in them: it may be secret.
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

/// A file that cannot be read.
pub fn unreadable(file: &Path, unread: &Unread) -> Problem {
    Problem::error(format!("cannot be read: {unread}")).in_file(file, None)
}

/// The files a pattern names, or what is wrong with it and what to write. A name without a wildcard is a file that must be
/// there; the main file itself is none of those that a wildcard means.
fn matching(pattern: &str, main: &Path, reading: &Reading) -> Result<Vec<PathBuf>, (String, &'static str)> {
    let path = main.parent().unwrap_or(Path::new("")).join(pattern);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(("names no file".to_owned(), "write a path such as `conf.d/*.toml`"));
    };
    let wild = |text: &str| text.contains(['*', '?']);
    if folder.to_str().is_some_and(wild) {
        return Err(("has a wildcard in a folder's name".to_owned(), "write each folder: `conf.d/*.toml`"));
    }
    if !wild(name) {
        return if path == main {
            Err(("includes the file itself".to_owned(), "leave it out"))
        } else {
            Ok(vec![path])
        };
    }
    match reading.list(folder) {
        Ok(mut files) => {
            let wanted = WildMatch::new(name);
            // Hidden ones are an editor's, or the folders behind a mounted ConfigMap.
            let meant = |name: &str| wanted.matches(name) && !name.starts_with('.');
            files.retain(|file| file != main && file.file_name().and_then(|name| name.to_str()).is_some_and(meant));
            Ok(files)
        }
        Err(unread) if unread.is_absent() => Ok(Vec::new()),
        Err(unread) => Err((format!("`{}` cannot be read: {unread}", folder.display()), "name a folder")),
    }
}

/// Merges tables into tables; gives back the paths of what is in both and no table.
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
