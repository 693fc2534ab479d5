//! Watching what a snapshot was made from. Events say only that it may be time to look; what counts is whether the content has
//! changed.
//!
//! Editors save by renaming, ConfigMaps by swapping symbolic links under other names, and a file mounted by itself into a
//! container tells nothing of the folder around it. So folders are watched and files besides; names of events are not read;
//! and whatever the events say, the content is looked at every few seconds.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use super::Live;
use crate::config::LARGEST;
use crate::secret::Digest;

/// Editors write in several steps: look when they are through.
const SETTLE: Duration = Duration::from_millis(200);
/// The net under the events.
const POLL: Duration = Duration::from_secs(3);

/// Stack of the watching thread.
const STACK: usize = 4 * 1024 * 1024;

/// What the watching thread is told.
enum Told {
    /// Something may have changed.
    Look,
    /// Enough.
    Stop,
}

/// A watch. Dropping it ends it.
pub struct Watch {
    told: Sender<Told>,
    thread: Option<JoinHandle<()>>,
}

/// Reloads `live` whenever its file, its `.env` or its plugins change.
pub fn watch(live: Arc<Live>) -> Watch {
    let (told, heard) = channel();
    let look = told.clone();
    // It compiles plugins and runs their tests: as deep a stack as where requests are served.
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || attend(&live, &look, &heard));
    let thread = thread.inspect_err(|error| tracing::error!(%error, "files are not watched: no thread"));
    Watch { told, thread: thread.ok() }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.told.send(Told::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn attend(live: &Live, look: &Sender<Told>, heard: &Receiver<Told>) {
    let mut places = Places::watch(live, look);
    // What changed between the first snapshot and the first watch would go unseen: so the first look is at once.
    let mut seen = None;
    loop {
        let now = Some(content(live));
        let changed = now != seen;
        seen = now;
        // What was refused may be mended where nobody looks: in a folder of plugins that is not live yet.
        if changed || live.refused().is_some() {
            // What is wrong is logged, and kept where it is asked for.
            let _ = live.reload();
        }
        if changed {
            // A file that was replaced is another file, and there may be another folder of plugins. What changes until the new
            // watch stands tells nobody: hence another look before the wait.
            drop(std::mem::replace(&mut places, Places::watch(live, look)));
            continue;
        }
        match heard.recv_timeout(POLL) {
            Ok(Told::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Told::Look) | Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// The places under watch, as long as it lives.
struct Places {
    _watcher: Option<Debouncer<RecommendedWatcher, RecommendedCache>>,
}

impl Places {
    fn watch(live: &Live, look: &Sender<Told>) -> Self {
        let look = look.clone();
        let heard = move |result: DebounceEventResult| {
            // Our own reading makes events too; they say nothing.
            let says_something = |events: &Vec<_>| {
                events
                    .iter()
                    .any(|event: &notify_debouncer_full::DebouncedEvent| !matches!(event.kind, EventKind::Access(_)))
            };
            if result.as_ref().map_or(true, says_something) {
                let _ = look.send(Told::Look);
            }
        };
        let Ok(mut debouncer) = new_debouncer(SETTLE, None, heard) else {
            tracing::warn!("changes of files cannot be watched; they are looked for every {} s", POLL.as_secs());
            return Self { _watcher: None };
        };
        for place in places(live) {
            // What is not there yet is found by the poll.
            let _ = debouncer.watch(&place, RecursiveMode::NonRecursive);
        }
        Self { _watcher: Some(debouncer) }
    }
}

fn places(live: &Live) -> Vec<PathBuf> {
    let folder = |file: &Path| match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut places = files(live);
    let folders: Vec<PathBuf> = places.iter().map(|file| folder(file)).collect();
    places.extend(folders);
    places.extend(plugin_folders(live).map(|(folder, _)| folder));
    places.sort();
    places.dedup();
    places
}

/// The files besides plugins.
fn files(live: &Live) -> Vec<PathBuf> {
    let sources = live.sources();
    let mut files = vec![sources.path().to_owned(), sources.dotenv.clone()];
    files.extend(live.snapshot().config.secret_files().map(Path::to_owned));
    files
}

/// The folders that plugins are made of, and how the files in them end.
fn plugin_folders(live: &Live) -> impl Iterator<Item = (PathBuf, &'static str)> {
    let dir = live.snapshot().config.settings.plugins.dir.clone();
    [("", "rhai"), ("lib", "rhai"), ("tests", "toml")].into_iter().map(move |(folder, end)| (dir.join(folder), end))
}

/// A digest of everything that a reload would read.
fn content(live: &Live) -> Digest {
    let mut scripts: Vec<PathBuf> = Vec::new();
    for (folder, end) in plugin_folders(live) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        scripts.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending == end)));
    }
    scripts.sort();
    let mut text = String::new();
    for file in files(live).into_iter().chain(scripts) {
        text.push_str(&format!("\n{}\n", file.display()));
        match read(&file) {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(error) => text.push_str(&format!("{:?}", error.kind())),
        }
    }
    Digest::of(&text)
}

/// No more than a reload would read.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
