//! Watches the files that a snapshot was made from. Events are only a hint to look; what counts is whether the content
//! has changed.
//!
//! Editors save by renaming, ConfigMaps by swapping symbolic links under other names, and changes to a file that is
//! mounted on its own in a container are not reported for its folder. So both folders and files are watched, the file
//! names in events are ignored, and everything is read again every few seconds regardless of events.

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

/// Editors write in several steps: wait until they have finished.
const SETTLE: Duration = Duration::from_millis(200);
/// How long files must stay the same before they are loaded. An editor may empty a file before it writes it, and its
/// content in the meantime may be valid.
const STEADY: Duration = Duration::from_millis(100);
/// How often to wait for that. Files that change all the time are loaded all the same.
const WAITS: usize = 20;
/// How often files are read again, in case events were missed.
const POLL: Duration = Duration::from_secs(3);

/// Stack size of the watching thread.
const STACK: usize = 4 * 1024 * 1024;

/// Messages to the watching thread.
enum Told {
    /// Something may have changed.
    Look,
    /// Stop watching.
    Stop,
}

/// A running watch. Dropping it stops the watch.
pub struct Watch {
    told: Sender<Told>,
    thread: Option<JoinHandle<()>>,
}

/// Reloads `live` whenever its configuration file, its `.env` or its plugins change.
pub fn watch(live: Arc<Live>) -> Watch {
    let (told, heard) = channel();
    let look = told.clone();
    // The thread compiles plugins and runs their tests, so it needs the stack size of threads that serve requests.
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || attend(&live, &look, &heard));
    let thread = thread.inspect_err(|error| tracing::error!(%error, "cannot watch files: no thread"));
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
        // Compares with what the last load read, successful or not. This also covers changes before the first watch was
        // set up.
        let digest = || reading.again().digest();
        if how != Watching::Off
            && digest() != reading.digest()
            && settled(digest, || std::thread::sleep(STEADY)) != reading.digest()
        {
            // Problems are logged, and available from `Live::refused`.
            let _ = live.reload();
        }
        // The configuration may also have been loaded on request. A replaced file is a different file to the watcher,
        // and there may be new files to watch. Changes made before the new watch is set up cause no event, hence the
        // additional check before waiting.
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

/// Looks until it sees the same twice in a row, waiting in between, and returns it.
fn settled<T: PartialEq>(look: impl Fn() -> T, wait: impl Fn()) -> T {
    let mut seen = look();
    for _ in 0..WAITS {
        wait();
        let before = std::mem::replace(&mut seen, look());
        if seen == before {
            break;
        }
    }
    seen
}

/// The watched paths.
struct Places {
    /// Digest of what had been read when the watch began.
    read: Digest,
    /// None if there are no events.
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
            // Reading the files also causes events, which are ignored.
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
            tracing::warn!("cannot watch files for changes: polling every {} s", POLL.as_secs());
            return Self { read, _watcher: None };
        };
        for place in places(live) {
            // Paths that do not exist yet are found by polling.
            let _ = debouncer.watch(&place, RecursiveMode::NonRecursive);
        }
        Self { read, _watcher: Some(debouncer) }
    }
}

/// The folders that were listed; for every file outside of them, the file itself and its folder.
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Looks at something that takes these values, one after the other, while others wait.
    fn seen(values: &[u8]) -> (u8, usize) {
        let waits = Cell::new(0);
        let look = || values.get(waits.get()).or(values.last()).copied().unwrap_or_default();
        (settled(look, || waits.set(waits.get() + 1)), waits.get())
    }

    #[test]
    fn a_file_that_is_being_saved_is_not_loaded_half() {
        assert_eq!(seen(&[1]), (1, 1), "what was saved before is there after one wait");
        assert_eq!(seen(&[0, 1]), (1, 2), "emptied, then written");
        assert_eq!(seen(&[0, 1, 2, 3, 3, 4]), (3, 4));
        let restless: Vec<u8> = (0..100).collect();
        assert_eq!(seen(&restless), (20, WAITS), "what never settles is loaded as it is");
    }
}
