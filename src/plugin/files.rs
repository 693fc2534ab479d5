//! The files that plugins are loaded from: those in the plugins folder, and the library plugins that are enabled.
//! Each is read once.

use std::path::{Path, PathBuf};

use super::header::nearest;
use super::library::{LIBRARY, volume};
use super::settings::PluginsSettings;
use crate::problem::{Problem, Problems};
use crate::reading::Reading;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path; `library/NAME.rhai` for a library plugin.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// All files that plugins are loaded from.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The scripts.
    pub plugins: Vec<File>,
    /// The libraries they can import.
    pub libraries: Vec<File>,
    /// Their tests.
    pub tests: Vec<File>,
}

impl Files {
    /// Reads the files of the folder and adds the enabled library plugins.
    pub fn read(settings: &PluginsSettings, reading: &Reading, problems: &mut Problems) -> Self {
        let dir = &settings.dir;
        let mut files = Self {
            plugins: folder(dir, "rhai", reading, problems)
                .into_iter()
                .filter(|file| !is_definition(&file.path))
                .collect(),
            libraries: folder(&dir.join("lib"), "rhai", reading, problems),
            tests: if settings.run_tests { folder(&dir.join("tests"), "toml", reading, problems) } else { Vec::new() },
        };
        for (at, name) in settings.library.iter().enumerate() {
            let Some(volume) = volume(name) else {
                problems.push(no_volume(name).at(format!("plugins.library[{at}]")));
                continue;
            };
            files
                .plugins
                .push(File { path: PathBuf::from(format!("library/{name}.rhai")), text: volume.source.to_owned() });
        }
        files
    }

    /// Returns whether there is no script at all.
    pub fn no_scripts(&self) -> bool {
        self.plugins.is_empty() && self.libraries.is_empty()
    }

    /// Returns the whole library, with its tests.
    pub fn of_library() -> Self {
        let file = |path: String, text: &str| File { path: PathBuf::from(path), text: text.to_owned() };
        Self {
            plugins: LIBRARY.iter().map(|it| file(format!("library/{}.rhai", it.name), it.source)).collect(),
            libraries: Vec::new(),
            tests: LIBRARY.iter().map(|it| file(format!("library/tests/{}.toml", it.name), it.tests)).collect(),
        }
    }

    /// Returns the paths and texts of all scripts and libraries, for a fingerprint.
    pub fn texts(&self) -> String {
        let all = self.plugins.iter().chain(&self.libraries);
        all.map(|file| format!("\n{}\n{}", file.path.display(), file.text)).collect()
    }
}

/// Returns whether the file is a definition file for editors. These lie beside the plugins but are not plugins.
fn is_definition(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".d.rhai")
}

fn no_volume(name: &str) -> Problem {
    let names = || LIBRARY.iter().map(|volume| volume.name);
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the library has `{}`", names().collect::<Vec<_>>().join("`, `")),
    };
    Problem::error(format!("the library has no `{name}`")).hint(hint)
}

/// Reads the files in a folder that have the extension `end`, sorted by name. A missing folder counts as empty.
fn folder(dir: &Path, end: &str, reading: &Reading, problems: &mut Problems) -> Vec<File> {
    let paths = match reading.list(dir) {
        Ok(paths) => paths,
        Err(unread) => {
            if !unread.is_absent() {
                let problem = Problem::error(format!("`{}` cannot be read: {unread}", dir.display()));
                problems.push(problem.at("plugins.dir"));
            }
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for path in paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == end)) {
        match reading.text(&path) {
            Ok(text) => files.push(File { path, text: text.to_string() }),
            Err(error) => problems.push(Problem::error(format!("cannot be read: {error}")).in_file(&path, None)),
        }
    }
    files
}
