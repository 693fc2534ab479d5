//! Restores the user's own files as they were in an earlier generation: all of them or none.
//!
//! Files in the way are renamed, not overwritten: edits that were never accepted, and files that did not exist then.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::problem::{Problem, Problems};
use crate::reading::StoredFiles;

/// Suffix of files that were set aside.
const ASIDE: &str = "set-aside";

/// How to undo one step.
enum Undo {
    Write(PathBuf, String),
    Remove(PathBuf),
    Rename { from: PathBuf, to: PathBuf },
}

/// Gives the files the contents in `kept`. `live` is the configuration accepted last; files that match it are in the
/// history and need not be set aside.
///
/// # Errors
/// The first file that could not be written. All files are then as they were before.
pub fn restore(kept: &StoredFiles, live: &StoredFiles) -> Result<(), Problems> {
    let mut undo = Vec::new();
    let done =
        files_not_in_generation(kept).try_for_each(|file| set_aside(&file, &mut undo).map_err(|error| (file, error)));
    let done = done.and_then(|()| {
        kept.files.iter().try_for_each(|(file, text)| {
            let accepted = live.files.get(file).cloned().flatten();
            bring_back(file, text.as_deref(), accepted, &mut undo).map_err(|error| (file.clone(), error))
        })
    });
    done.map_err(|(file, error)| {
        undo.into_iter().rev().for_each(take_back);
        let hint = "make it writable for the server, or edit the file at its source";
        Problem::error(format!("cannot be written: {error}")).in_file(file, None).hint(hint).into()
    })
}

/// Files that a load would read now and that did not exist then.
fn files_not_in_generation(kept: &StoredFiles) -> impl Iterator<Item = PathBuf> {
    let entries = kept.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let read = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml" || end == "rhai") && path.is_file();
    entries.map(|entry| entry.path()).filter(read).filter(|path| !kept.files.contains_key(path))
}

fn bring_back(file: &Path, text: Option<&str>, accepted: Option<String>, undo: &mut Vec<Undo>) -> io::Result<()> {
    let now = match fs::read_to_string(file) {
        Ok(now) => Some(now),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(text) = text else {
        return if now.is_some() { set_aside(file, undo) } else { Ok(()) };
    };
    if now.as_deref() == Some(text) {
        return Ok(());
    }
    if let Some(edit) = now.as_ref().filter(|now| accepted.as_ref() != Some(now)) {
        let aside = free_name(file);
        write(&aside, edit, file)?;
        undo.push(Undo::Remove(aside));
    }
    undo.push(now.map_or_else(|| Undo::Remove(file.to_owned()), |now| Undo::Write(file.to_owned(), now)));
    write(file, text, file)
}

fn set_aside(file: &Path, undo: &mut Vec<Undo>) -> io::Result<()> {
    let to = free_name(file);
    fs::rename(file, &to)?;
    undo.push(Undo::Rename { from: to, to: file.to_owned() });
    Ok(())
}

/// Best effort: only the problem that made it necessary is reported.
fn take_back(step: Undo) {
    let _ = match step {
        Undo::Write(file, text) => write(&file, &text, &file),
        Undo::Remove(file) => fs::remove_file(file),
        Undo::Rename { from, to } => fs::rename(from, to),
    };
}

/// `config.toml.set-aside`, with a number if that exists.
fn free_name(file: &Path) -> PathBuf {
    let named = |end: String| PathBuf::from(format!("{}.{end}", file.display()));
    let numbered = (2..).map(|number| named(format!("{ASIDE}.{number}")));
    let mut names = std::iter::once(named(ASIDE.to_owned())).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or_else(|| named(ASIDE.to_owned()))
}

/// Replaces the file by renaming, with the permissions of `like`. A symbolic link is kept, and its target written. A
/// file that is a mount of its own cannot be replaced by renaming, and is written in place.
fn write(file: &Path, text: &str, like: &Path) -> io::Result<()> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let permissions = fs::metadata(like).map(|like| like.permissions()).ok();
    write_new(&beside, text, permissions)?;
    fs::rename(&beside, &target).or_else(|_| {
        let _ = fs::remove_file(&beside);
        fs::write(&target, text)
    })
}

/// Writes a file that nobody else may open until it has its permissions: a configuration can hold keys.
fn write_new(file: &Path, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if permissions.is_some() {
        options.mode(0o600);
    }
    let mut written = options.open(file)?;
    permissions.map_or(Ok(()), |permissions| written.set_permissions(permissions))?;
    written.write_all(text.as_bytes())
}
