//! The history of accepted configurations, one file per generation in a folder of its own. Secrets are sealed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Change, Snapshot, seal};
use crate::reading::StoredFiles;

/// How many generations are kept.
const MOST: usize = 20;

/// An accepted configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// The generation number.
    pub generation: u64,
    /// The configuration hash.
    pub hash: String,
    /// When it was accepted, RFC 3339.
    pub at: String,
    /// The changes it made, with secrets masked.
    pub changes: Vec<Change>,
    /// The salt its secrets are sealed with.
    #[serde(default)]
    salt: String,
    /// The files it was read from, with secrets sealed; null for a file that did not exist.
    files: BTreeMap<PathBuf, Option<String>>,
    /// The folders it was read from.
    folders: Vec<PathBuf>,
}

/// The accepted configurations, by number.
#[derive(Debug, Default)]
pub struct History {
    /// The folder; None keeps the history in memory only.
    folder: Option<PathBuf>,
    generations: Mutex<BTreeMap<u64, Generation>>,
}

impl Generation {
    /// Captures a snapshot that was accepted.
    pub fn of(snapshot: &Snapshot, changes: &[Change]) -> Self {
        let StoredFiles { files, folders } = snapshot.reading.kept();
        let secrets = snapshot.config.secret_digests();
        let salt = Uuid::now_v7().simple().to_string();
        let seal = |text: Option<String>| text.map(|text| seal::seal(&text, &secrets, &salt));
        let files = files.into_iter().map(|(path, text)| (path, seal(text))).collect();
        Self {
            generation: snapshot.generation,
            hash: snapshot.hash.clone(),
            at: snapshot.loaded_at.to_string(),
            changes: changes.to_vec(),
            salt,
            files,
            folders,
        }
    }

    /// Whether `file` is among the files it was read from, even if it did not exist.
    pub fn is_of(&self, file: &Path) -> bool {
        self.files.contains_key(file)
    }

    /// Returns its files, with secrets restored from the user's current files.
    ///
    /// # Errors
    /// The first file with secrets that no current file contains, and how many there are.
    pub fn open(&self) -> Result<StoredFiles, (PathBuf, usize)> {
        let own: Vec<String> = self.files.keys().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        let mut files = BTreeMap::new();
        for (path, text) in &self.files {
            let text = text.as_ref().map(|text| seal::open(text, &own, &self.salt)).transpose();
            files.insert(path.clone(), text.map_err(|lost| (path.clone(), lost))?);
        }
        Ok(StoredFiles { files, folders: self.folders.clone() })
    }
}

impl History {
    /// Reads the history in a folder. Ignores files that cannot be read.
    pub fn open(folder: &Path) -> Self {
        if folder == Path::new("") {
            return Self::default();
        }
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let read = |path: PathBuf| serde_json::from_slice::<Generation>(&std::fs::read(path).ok()?).ok();
        let generations = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).filter_map(read);
        Self {
            folder: Some(folder.to_owned()),
            generations: Mutex::new(generations.map(|kept| (kept.generation, kept)).collect()),
        }
    }

    /// Stores a generation and deletes those beyond the limit.
    ///
    /// # Errors
    /// When it could not be written; it is then kept in memory only.
    pub fn keep(&self, generation: Generation) -> io::Result<()> {
        let mut generations = self.generations();
        let number = generation.generation;
        let text = serde_json::to_string_pretty(&generation)?;
        generations.insert(number, generation);
        let mut old = Vec::new();
        while generations.len() > MOST
            && let Some((number, _)) = generations.pop_first()
        {
            old.push(number);
        }
        let Some(folder) = &self.folder else { return Ok(()) };
        std::fs::create_dir_all(folder)?;
        write(&file(folder, number), &text)?;
        for number in old {
            match std::fs::remove_file(file(folder, number)) {
                // It was kept in memory only, or somebody has deleted it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    /// The latest generation.
    pub fn last(&self) -> Option<Generation> {
        self.generations().last_key_value().map(|(_, last)| last.clone())
    }

    /// A generation by number.
    pub fn get(&self, generation: u64) -> Option<Generation> {
        self.generations().get(&generation).cloned()
    }

    /// All generations, newest first.
    pub fn all(&self) -> Vec<Generation> {
        self.generations().values().rev().cloned().collect()
    }

    fn generations(&self) -> MutexGuard<'_, BTreeMap<u64, Generation>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("{generation:08}.json"))
}

/// Writes atomically, with permissions for the owner only.
fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;

    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
