//! The files read during one load of the configuration. Each file is read once, so what is checked is what is built.
//! The paths requested are recorded, so the same value also says what to watch and whether anything has changed since.
//! Never: writes, or the text of a secret in anything that is stored.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::secret::Digest;

/// Maximum file size, in bytes. Large enough for a hundred thousand keys.
pub const LARGEST: u64 = 16 * 1024 * 1024;

/// The files read during one load. Clones share state.
#[derive(Clone, Default)]
pub struct Reading(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    /// Used in place of the disk when a stored configuration is loaded again.
    kept: Option<StoredFiles>,
    read: BTreeMap<PathBuf, Page>,
    listed: BTreeMap<PathBuf, Result<Vec<PathBuf>, ReadError>>,
}

struct Page {
    found: Result<Arc<str>, ReadError>,
    secret: bool,
}

/// The files that were read, without secrets: enough to load the same configuration again after the disk has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredFiles {
    /// File contents by path; None for a file that did not exist.
    pub files: BTreeMap<PathBuf, Option<String>>,
    /// Folders that were listed.
    pub folders: Vec<PathBuf>,
}

/// Why a file or folder could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The kind of I/O error.
    pub kind: ErrorKind,
    message: String,
}

impl ReadError {
    /// Whether the file or folder does not exist.
    pub fn is_absent(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}

impl Reading {
    /// Reads stored files from `kept` and everything else, secrets above all, from disk.
    pub fn from_stored(kept: StoredFiles) -> Self {
        Self(Arc::new(Mutex::new(Pages { kept: Some(kept), ..Pages::default() })))
    }

    /// Returns the text of a file.
    ///
    /// # Errors
    /// The reason it cannot be read. Repeated calls return the same result.
    pub fn text(&self, path: &Path) -> Result<Arc<str>, ReadError> {
        self.pages().text(path, false)
    }

    /// Returns the text of a file that holds secrets. [`Reading::kept`] leaves it out.
    ///
    /// # Errors
    /// As [`Reading::text`].
    pub fn secret(&self, path: &Path) -> Result<Arc<str>, ReadError> {
        self.pages().text(path, true)
    }

    /// Returns the text of a file that has been read already, unless it was read as a secret.
    pub fn shown(&self, path: &Path) -> Option<Arc<str>> {
        self.pages().read.get(path).filter(|page| !page.secret).and_then(|page| page.found.clone().ok())
    }

    /// Lists the entries of a folder, sorted by name.
    ///
    /// # Errors
    /// The reason it cannot be listed.
    pub fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
        let mut pages = self.pages();
        if let Some(listed) = pages.listed.get(folder) {
            return listed.clone();
        }
        let listed = match &pages.kept {
            Some(kept) if kept.folders.iter().any(|known| known == folder) => Ok(kept.within(folder)),
            _ => list(folder),
        };
        pages.listed.insert(folder.to_owned(), listed.clone());
        listed
    }

    /// Returns what has been read so far, without secrets.
    pub fn kept(&self) -> StoredFiles {
        let pages = self.pages();
        let open = pages.read.iter().filter(|(_, page)| !page.secret);
        StoredFiles {
            files: open.map(|(path, page)| (path.clone(), page.found.as_deref().ok().map(str::to_owned))).collect(),
            folders: pages.listed.iter().filter(|(_, listed)| listed.is_ok()).map(|(path, _)| path.clone()).collect(),
        }
    }

    /// The files that were requested, whether or not they exist.
    pub fn files(&self) -> Vec<PathBuf> {
        self.pages().read.keys().cloned().collect()
    }

    /// The folders that were requested, whether or not they exist.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.pages().listed.keys().cloned().collect()
    }

    /// A digest of everything that was read.
    pub fn digest(&self) -> Digest {
        self.pages().digest()
    }

    /// Reads the same files and folders again, from disk.
    pub fn again(&self) -> Self {
        let again = Self::default();
        let (files, folders): (Vec<_>, Vec<_>) = {
            let pages = self.pages();
            let files = pages.read.iter().map(|(path, page)| (path.clone(), page.secret));
            (files.collect(), pages.listed.keys().cloned().collect())
        };
        for (path, secret) in files {
            let _ = again.pages().text(&path, secret);
        }
        for folder in folders {
            let _ = again.list(&folder);
        }
        again
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows paths only, never contents.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.files()).finish()
    }
}

impl Pages {
    fn text(&mut self, path: &Path, secret: bool) -> Result<Arc<str>, ReadError> {
        if let Some(page) = self.read.get_mut(path) {
            page.secret |= secret;
            return page.found.clone();
        }
        let found = match self.kept.as_ref().filter(|_| !secret).and_then(|kept| kept.files.get(path)) {
            Some(Some(text)) => Ok(text.as_str().into()),
            Some(None) => Err(io::Error::from(ErrorKind::NotFound).into()),
            None => read(path).map_err(ReadError::from),
        };
        self.read.insert(path.to_owned(), Page { found: found.clone(), secret });
        found
    }

    fn digest(&self) -> Digest {
        let mut all = String::new();
        for (path, page) in &self.read {
            all.push_str(&format!("\n{}\n", path.display()));
            match &page.found {
                Ok(text) => all.push_str(text),
                Err(unread) => all.push_str(&format!("{:?}", unread.kind)),
            }
        }
        for (path, listed) in &self.listed {
            let listed = listed.as_ref().map_err(|unread| unread.kind);
            all.push_str(&format!("\n{}\n{listed:?}", path.display()));
        }
        Digest::of(&all)
    }
}

impl StoredFiles {
    /// The entries of a folder: the files and folders known to be in it.
    fn within(&self, folder: &Path) -> Vec<PathBuf> {
        let there = self.files.iter().filter(|(_, text)| text.is_some()).map(|(path, _)| path.as_path());
        let inner = there.chain(self.folders.iter().map(PathBuf::as_path));
        let mut within: Vec<PathBuf> = inner.filter(|path| path.parent() == Some(folder)).map(Path::to_owned).collect();
        within.sort();
        within.dedup();
        within
    }
}

fn read(path: &Path) -> io::Result<Arc<str>> {
    let mut text = String::new();
    // Reading anything but a regular file could block forever or never end.
    if !std::fs::metadata(path)?.is_file() {
        let what = if path.is_dir() { "it is a folder" } else { "it is not a file" };
        return Err(io::Error::new(ErrorKind::IsADirectory, what));
    }
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        let message = format!("it is larger than {} MiB", LARGEST >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(text.into())
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let entries = std::fs::read_dir(folder)?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("one");
        std::fs::write(&file, "before").unwrap();
        let reading = Reading::default();
        assert_eq!(&*reading.text(&file).unwrap(), "before");
        let digest = reading.digest();
        std::fs::write(&file, "after").unwrap();
        assert_eq!(&*reading.text(&file).unwrap(), "before");
        assert_eq!(reading.digest(), digest);
        assert_ne!(reading.again().digest(), digest);
        std::fs::write(&file, "before").unwrap();
        assert_eq!(reading.again().digest(), digest);
    }

    #[test]
    fn what_comes_and_goes_changes_the_digest() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent");
        let reading = Reading::default();
        assert!(reading.text(&absent).unwrap_err().is_absent());
        assert!(reading.list(dir.path()).unwrap().is_empty());
        let digest = reading.digest();
        std::fs::create_dir(&absent).unwrap();
        assert_ne!(reading.again().digest(), digest);
        std::fs::remove_dir(&absent).unwrap();
        assert_eq!(reading.again().digest(), digest);
    }

    #[test]
    fn secrets_are_not_kept_and_the_rest_is_read_again_from_what_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["open", "secret"] {
            std::fs::write(path(name), "before").unwrap();
        }
        let reading = Reading::default();
        let _ = (reading.text(&path("open")), reading.secret(&path("secret")), reading.text(&path("absent")));
        let _ = reading.list(dir.path());
        let kept = reading.kept();
        assert_eq!(kept.files, BTreeMap::from([(path("open"), Some("before".into())), (path("absent"), None)]));
        for name in ["open", "secret", "absent", "new"] {
            std::fs::write(path(name), "after").unwrap();
        }
        let again = Reading::from_stored(kept);
        assert_eq!(&*again.text(&path("open")).unwrap(), "before");
        assert_eq!(&*again.secret(&path("secret")).unwrap(), "after");
        assert!(again.text(&path("absent")).unwrap_err().is_absent());
        assert_eq!(again.list(dir.path()).unwrap(), [path("open")]);
    }
}
