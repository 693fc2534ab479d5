//! State that survives a restart: a file in a directory, written in groups by a thread of its own.
//!
//! A directory that cannot be used, a full disk, or a file that another process has opened is logged once and tried
//! again every few seconds; meanwhile all state stays in memory. A file that is damaged or of another version is
//! renamed and replaced.

mod file;
mod line;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::usage::{self, Amounts, Row, Usage};
use super::{BreakerState, Scope, StateOwner};
use file::{Content, File, FileError};

/// Name of the file.
const NAME: &str = "ledger.redb";
/// How long changes wait to be written: together with the writing itself, well within the second that a killed process
/// may lose.
const GROUP: Duration = Duration::from_millis(500);
/// The pause before a file that could not be used is tried again.
const AGAIN: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 5000 });
/// How often old entries are removed.
const PRUNE: Duration = Duration::from_secs(6 * 3600);
/// The longest a start waits for the content of the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is stored, and where.
pub struct DiskConfig {
    /// The directory.
    pub dir: PathBuf,
    /// How many days usage is kept.
    pub keep_days: u16,
    /// Usage of keys.
    pub usage: Arc<Usage>,
    /// The owner of the breakers.
    pub holder: Arc<dyn StateOwner>,
}

/// The writer thread, and what it has to write.
pub struct Disk {
    desk: Arc<Desk>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the reporters of changes and the writer thread share.
#[derive(Default)]
struct Desk {
    pending: Mutex<Pending>,
    wake: Condvar,
    state: Mutex<State>,
}

#[derive(Default)]
struct Pending {
    breaker_states: HashMap<Scope, BreakerState>,
    used: bool,
    /// Number of changes in the group that is being written.
    writing: usize,
    stopping: bool,
}

/// The state of the file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// `open`; or `closed`, while all state stays in memory.
    pub state: &'static str,
    /// Path of the file.
    pub file: PathBuf,
    /// Why it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Changes that are not on disk yet.
    pub unwritten: usize,
    /// Failed attempts to open or write the file.
    pub failures: u64,
}

impl State {
    /// Whether changes are written.
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }
}

impl Disk {
    /// Starts the thread, and waits until the stored state is restored or cannot be.
    pub fn start(keeping: DiskConfig) -> Self {
        let desk = Arc::new(Desk::default());
        *desk.state() = State { state: "closed", file: keeping.dir.join(NAME), ..State::default() };
        let (tried, first_try) = channel();
        let writer = Writer { desk: desk.clone(), keeping, restored: false };
        let thread = std::thread::Builder::new().name("disk".into()).spawn(move || writer.run(tried));
        match &thread {
            // The channel is closed after the first attempt, or when the thread ends.
            Ok(_) => drop(first_try.recv_timeout(PATIENCE)),
            Err(error) => tracing::error!(%error, "cannot start the disk thread: state is kept in memory only"),
        }
        Self { desk, thread: Mutex::new(thread.ok()) }
    }

    /// Schedules the new state of a breaker for writing.
    pub fn breaker_changed(&self, standing: &BreakerState) {
        self.desk.pending().breaker_states.insert(standing.scope.clone(), standing.clone());
        self.desk.wake.notify_one();
    }

    /// Schedules changed usage for writing.
    pub fn used(&self) {
        let mut pending = self.desk.pending();
        if !std::mem::replace(&mut pending.used, true) {
            self.desk.wake.notify_one();
        }
    }

    /// The state of the file.
    pub fn state(&self) -> State {
        let unwritten = {
            let pending = self.desk.pending();
            pending.breaker_states.len() + usize::from(pending.used) + pending.writing
        };
        State { unwritten, ..self.desk.state().clone() }
    }

    /// Writes what is left, and ends the thread.
    pub fn stop(&self) {
        self.desk.pending().stopping = true;
        self.desk.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // If the thread panicked, that was already reported.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Disk").field(&self.state()).finish()
    }
}

impl Desk {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to write, then for changes that follow shortly. Returns false if this is the last
    /// group.
    fn group(&self) -> bool {
        let idle = |pending: &mut Pending| !pending.stopping && !pending.used && pending.breaker_states.is_empty();
        let pending = self.wake.wait_while(self.pending(), idle).unwrap_or_else(PoisonError::into_inner);
        drop(pending);
        !self.stops_within(GROUP)
    }

    /// Waits for this time. Returns true if the thread is stopped meanwhile.
    fn stops_within(&self, time: Duration) -> bool {
        let going = |pending: &mut Pending| !pending.stopping;
        let waited = self.wake.wait_timeout_while(self.pending(), time, going);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopping
    }
}

/// The writer thread.
struct Writer {
    desk: Arc<Desk>,
    keeping: DiskConfig,
    restored: bool,
}

impl Writer {
    fn run(mut self, tried: Sender<()>) {
        let mut tried = Some(tried);
        loop {
            let opened = self.open();
            let ended = match opened {
                Ok(file) => {
                    drop(tried.take());
                    self.write_until_stopped(file)
                }
                Err(trouble) => Err(trouble),
            };
            match ended {
                Ok(()) => return,
                Err(trouble) => self.report(&trouble),
            }
            drop(tried.take());
            if self.desk.stops_within(AGAIN) {
                return;
            }
        }
    }

    fn open(&mut self) -> Result<File, FileError> {
        let unusable = |error: std::io::Error| FileError::Unusable(error.to_string());
        std::fs::create_dir_all(&self.keeping.dir).map_err(unusable)?;
        let path = self.keeping.dir.join(NAME);
        let (mut file, content) = match File::open(&path) {
            Err(FileError::Damaged(why)) => {
                let aside = set_aside(&path).map_err(unusable)?;
                tracing::error!(%why, file = %path.display(), aside = %aside.display(), "cannot read the state file: moved aside, starting with a new one");
                File::open(&path)?
            }
            opened => opened?,
        };
        self.restore(content);
        file.prune(self.keeping.usage.prune(self.keeping.keep_days), long_ago())?;
        let failures = {
            let mut state = self.desk.state();
            (state.state, state.why) = ("open", None);
            state.failures
        };
        if failures > 0 {
            tracing::info!(file = %path.display(), "state is written to disk again");
        }
        Ok(file)
    }

    /// Restores the stored state, the first time. Changes made before that are written along with it; when the file is
    /// opened again, all state is written, as the file may have been lost.
    fn restore(&mut self, content: Content) {
        let DiskConfig { usage, holder, .. } = &self.keeping;
        usage.change_all();
        let again = std::mem::replace(&mut self.restored, true);
        if !again {
            usage.recall(&content.used);
            let used: Vec<_> = content.used.iter().map(usage::used).collect();
            holder.recall(&used);
            holder.learn(&content.breaker_states);
            tracing::info!(breakers = content.breaker_states.len(), rows = content.used.len(), dir = %self.keeping.dir.display(), "state restored from disk");
        }
        let mut pending = self.desk.pending();
        for standing in holder.breaker_states() {
            if again || pending.breaker_states.contains_key(&standing.scope) {
                pending.breaker_states.insert(standing.scope.clone(), standing);
            }
        }
    }

    /// Takes the next group.
    fn take(&self) -> (Vec<BreakerState>, Vec<(Row, Amounts)>) {
        let mut pending = self.desk.pending();
        let breaker_states: Vec<_> = std::mem::take(&mut pending.breaker_states).into_values().collect();
        pending.used = false;
        // Usage is reported after it is counted: what is reported from here on is in the next group, if not already in
        // this one.
        let used = self.keeping.usage.take_changed();
        pending.writing = breaker_states.len() + used.len();
        (breaker_states, used)
    }

    fn write_until_stopped(&self, mut file: File) -> Result<(), FileError> {
        let mut pruned = Instant::now();
        loop {
            let more = self.desk.group();
            let (breaker_states, used) = self.take();
            // A group that cannot be written is not lost: all known state is written when the file is opened again.
            file.write(&breaker_states, &used)?;
            self.desk.pending().writing = 0;
            if !more {
                return Ok(());
            }
            if pruned.elapsed() > PRUNE {
                pruned = Instant::now();
                file.prune(self.keeping.usage.prune(self.keeping.keep_days), long_ago())?;
            }
        }
    }

    /// Logs why the file is not open, once for each reason.
    fn report(&self, trouble: &FileError) {
        let (why, next) = match trouble {
            FileError::Taken => (
                "another process uses the file".to_owned(),
                "this process takes over when the other ends; replicas need separate `store.dir`s and share state through `store.redis`",
            ),
            FileError::Damaged(why) | FileError::Unusable(why) => (
                why.clone(),
                "make the folder writable for this user, or set `store.dir`; it is retried every few seconds",
            ),
        };
        let mut state = self.desk.state();
        state.state = "closed";
        state.failures += 1;
        if state.why.as_ref() != Some(&why) {
            tracing::error!(%why, next, file = %state.file.display(), "cannot write to disk: state is kept in memory only");
            state.why = Some(why);
        }
    }
}

/// Cooldowns that ended before this time are irrelevant: their strikes have faded.
fn long_ago() -> Timestamp {
    Timestamp::now().saturating_sub(48.hours()).unwrap_or(Timestamp::MIN)
}

fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = path.with_extension(format!("redb.damaged-{}", Timestamp::now().as_second()));
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests;
