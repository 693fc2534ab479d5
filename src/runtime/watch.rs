//! Watching what a snapshot was made from. Events say only that it may be time to look; what counts is whether the content has
//! changed.
//!
//! Editors save by renaming, ConfigMaps by swapping symbolic links under other names, and a file mounted by itself into a
//! container tells nothing at all. So the folders are watched, not the files; names of events are not read; and besides, the
//! content is looked at every few seconds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use super::Live;
use crate::secret::Digest;

/// Editors write in several steps: look when they are through.
const SETTLE: Duration = Duration::from_millis(200);
/// The net under the events.
const POLL: Duration = Duration::from_secs(3);

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
    let thread = std::thread::spawn(move || attend(&live, &look, &heard));
    Watch { told, thread: Some(thread) }
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
    let mut seen = content(live);
    let mut folders = Folders::watch(live, look);
    loop {
        match heard.recv_timeout(POLL) {
            Ok(Told::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Told::Look) | Err(RecvTimeoutError::Timeout) => {}
        }
        let now = content(live);
        if now != seen {
            seen = now;
            // What is wrong is logged and kept where it is asked for.
            let _ = live.reload();
            // Another folder of plugins, or a folder that was replaced.
            folders.renew(live, look);
        }
    }
}

/// The folders under watch, as long as it lives.
struct Folders(Option<Debouncer<RecommendedWatcher, RecommendedCache>>);

impl Folders {
    fn renew(&mut self, live: &Live, look: &Sender<Told>) {
        self.0 = None;
        *self = Self::watch(live, look);
    }

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
            return Self(None);
        };
        for folder in folders(live) {
            // A folder that is not there yet is found by the poll.
            let _ = debouncer.watch(&folder, RecursiveMode::NonRecursive);
        }
        Self(Some(debouncer))
    }
}

fn folders(live: &Live) -> Vec<PathBuf> {
    let parent = |file: &Path| match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let sources = live.sources();
    let mut folders =
        vec![parent(sources.path()), parent(&sources.dotenv), live.snapshot().config.settings.plugins.dir.clone()];
    folders.sort();
    folders.dedup();
    folders
}

/// A digest of everything that a reload would read.
fn content(live: &Live) -> Digest {
    let sources = live.sources();
    let mut files = vec![sources.path().to_owned(), sources.dotenv.clone()];
    let plugins = std::fs::read_dir(&live.snapshot().config.settings.plugins.dir);
    let mut scripts: Vec<PathBuf> = plugins.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|end| end == "rhai"));
    scripts.sort();
    files.extend(scripts);
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("\n{}\n", file.display()));
        match std::fs::read(&file) {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(error) => text.push_str(&format!("{:?}", error.kind())),
        }
    }
    Digest::of(&text)
}
