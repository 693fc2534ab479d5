//! What plugins are made of: the files of the folder, and the volumes of the library that are turned on. Read once.

use std::path::{Path, PathBuf};

use super::header::nearest;
use super::library::{LIBRARY, volume};
use super::settings::PluginsSettings;
use crate::problem::{Problem, Problems};

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is; for a volume of the library, `library/NAME.rhai`.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// All that plugins are made of.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The plugins.
    pub plugins: Vec<File>,
    /// What they may import.
    pub libraries: Vec<File>,
    /// Their tests.
    pub tests: Vec<File>,
}

impl Files {
    /// Reads them.
    pub fn read(settings: &PluginsSettings, problems: &mut Problems) -> Self {
        let dir = &settings.dir;
        let mut files = Self {
            plugins: folder(dir, "rhai", problems),
            libraries: folder(&dir.join("lib"), "rhai", problems),
            tests: if settings.run_tests { folder(&dir.join("tests"), "toml", problems) } else { Vec::new() },
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

    /// All texts, for a fingerprint.
    pub fn texts(&self) -> String {
        let all = self.plugins.iter().chain(&self.libraries);
        all.map(|file| format!("\n{}\n{}", file.path.display(), file.text)).collect()
    }
}

fn no_volume(name: &str) -> Problem {
    let names = || LIBRARY.iter().map(|volume| volume.name);
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the library has `{}`", names().collect::<Vec<_>>().join("`, `")),
    };
    Problem::error(format!("the library has no `{name}`")).hint(hint)
}

/// The files of a folder that end so, by name. A folder that is not there holds none.
fn folder(dir: &Path, end: &str, problems: &mut Problems) -> Vec<File> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(Problem::error(format!("`{}` cannot be read: {error}", dir.display())).at("plugins.dir"));
            return Vec::new();
        }
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == end) && path.is_file()).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push(File { path, text }),
            Err(error) => problems.push(Problem::error(format!("cannot be read: {error}")).in_file(&path, None)),
        }
    }
    files
}
