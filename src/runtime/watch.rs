//! Watching what a snapshot was made from. Events say only that it may be time to look; what counts is whether the content has
//! changed.
//!
//! Editors save by renaming, ConfigMaps by swapping symbolic links under other names, and a file mounted by itself into a
//! container tells nothing of the folder around it. So folders are watched and files besides; names of events are not read;
//! and whatever the events say, what was read is read again every few seconds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use super::Live;
use super::settings::Watching;
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
    loop {
        let reading = live.reading();
        let how = live.snapshot().config.settings.runtime.watch;
        // What has changed since the last load was read, whatever came of it: also before the first watch stood.
        if how != Watching::Off && reading.again().digest() != reading.digest() {
            // What is wrong is logged, and kept where it is asked for.
            let _ = live.reload();
        }
        // Somebody may have loaded it on request, too. A file that was replaced is another file, and there may be other files to
        // watch. What changes until the new watch stands tells nobody: hence another look before the wait.
        if live.reading().digest() != places.read {
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
    /// What had been read when the watch began.
    read: Digest,
    /// None: nobody tells of changes.
    _watcher: Option<Debouncer<RecommendedWatcher, RecommendedCache>>,
}

impl Places {
    fn watch(live: &Live, look: &Sender<Told>) -> Self {
        let read = live.reading().digest();
        if live.snapshot().config.settings.runtime.watch != Watching::Events {
            return Self { read, _watcher: None };
        }
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
            return Self { read, _watcher: None };
        };
        for place in places(live) {
            // What is not there yet is found by the poll.
            let _ = debouncer.watch(&place, RecursiveMode::NonRecursive);
        }
        Self { read, _watcher: Some(debouncer) }
    }
}

/// The folders of what was read, and the files that are in a folder by themselves.
fn places(live: &Live) -> Vec<PathBuf> {
    let folder = |file: &Path| match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let reading = live.reading();
    let mut places = reading.folders();
    let listed = places.clone();
    for file in reading.files() {
        let parent = folder(&file);
        if !listed.contains(&parent) {
            places.extend([parent, file]);
        }
    }
    places.sort();
    places.dedup();
    places
}
