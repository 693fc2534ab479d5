//! The user's own files as they were in an earlier generation: all of them or none.
//!
//! What is in the way is set aside under another name: an edit that was never accepted, and files that were not there then.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::problem::{Problem, Problems};
use crate::reading::Kept;

/// What ends the name of a file that was set aside.
const ASIDE: &str = "set-aside";

/// How to take a step back.
enum Undo {
    Write(PathBuf, String),
    Remove(PathBuf),
    Rename { from: PathBuf, to: PathBuf },
}

/// Gives the files the texts in `kept`. `live` is what was accepted last: that is kept elsewhere, and need not be set aside.
///
/// # Errors
/// The first file that could not be written; then all are as they were.
pub fn restore(kept: &Kept, live: &Kept) -> Result<(), Problems> {
    let mut undo = Vec::new();
    let done = strangers(kept).try_for_each(|file| set_aside(&file, &mut undo).map_err(|error| (file, error)));
    let done = done.and_then(|()| {
        kept.files.iter().try_for_each(|(file, text)| {
            let accepted = live.files.get(file).cloned().flatten();
            bring_back(file, text.as_deref(), accepted, &mut undo).map_err(|error| (file.clone(), error))
        })
    });
    done.map_err(|(file, error)| {
        undo.into_iter().rev().for_each(take_back);
        let hint = "let the server write there, or edit the file where it comes from";
        Problem::error(format!("cannot be written: {error}")).in_file(file, None).hint(hint).into()
    })
}

/// Files that would be read now and were not there then.
fn strangers(kept: &Kept) -> impl Iterator<Item = PathBuf> {
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
        write(&aside, edit)?;
        undo.push(Undo::Remove(aside));
    }
    undo.push(now.map_or_else(|| Undo::Remove(file.to_owned()), |now| Undo::Write(file.to_owned(), now)));
    write(file, text)
}

fn set_aside(file: &Path, undo: &mut Vec<Undo>) -> io::Result<()> {
    let to = free_name(file);
    fs::rename(file, &to)?;
    undo.push(Undo::Rename { from: to, to: file.to_owned() });
    Ok(())
}

/// As far as it can be: the problem that made it necessary is what is told.
fn take_back(step: Undo) {
    let _ = match step {
        Undo::Write(file, text) => write(&file, &text),
        Undo::Remove(file) => fs::remove_file(file),
        Undo::Rename { from, to } => fs::rename(from, to),
    };
}

/// `config.toml.set-aside`, or with a number where that is taken.
fn free_name(file: &Path) -> PathBuf {
    let named = |end: String| PathBuf::from(format!("{}.{end}", file.display()));
    let numbered = (2..).map(|number| named(format!("{ASIDE}.{number}")));
    let mut names = std::iter::once(named(ASIDE.to_owned())).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or_else(|| named(ASIDE.to_owned()))
}

/// By renaming, with the rights the file had. A link stays one: what it leads to is written. A file that is mounted by itself
/// cannot be renamed over, and is written in place.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    fs::write(&beside, text)?;
    if let Ok(before) = fs::metadata(&target) {
        fs::set_permissions(&beside, before.permissions())?;
    }
    fs::rename(&beside, &target).or_else(|_| {
        let _ = fs::remove_file(&beside);
        fs::write(&target, text)
    })
}
