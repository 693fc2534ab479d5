//! Moves long calls off the worker threads.
//!
//! A hook that takes microseconds runs directly on the worker thread that serves its request, because handing it over
//! would cost more than the call. Before a call that takes long, or whose limit allows it, the thread's other tasks
//! move to another thread, and only a few such calls run at once. A slow plugin therefore delays only the requests it
//! applies to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Average duration up to which calls of a hook run inline.
const SHORT: Duration = Duration::from_millis(1);
/// Calls whose time limit is longer than this never run inline.
pub const LONGEST_INLINE: Duration = Duration::from_millis(10);
/// Maximum number of calls that wait for a permit. With more than that, the plugin cannot keep up.
const MOST_WAITING: usize = 128;

/// Moving average of a hook's call durations, in nanoseconds.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// Adds the duration of a call.
    pub fn took(&self, spent: Duration) {
        let spent = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(before - before / 8 + spent / 8, Ordering::Relaxed);
    }

    /// Returns whether the next call should run off the worker threads.
    pub fn is_long(&self, limit: Duration) -> bool {
        limit > LONGEST_INLINE || Duration::from_nanos(self.0.load(Ordering::Relaxed)) > SHORT
    }
}

/// Permits for long calls: half the cores, so that the other half keeps serving.
struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
    waiting: AtomicUsize,
}

static TURNS: LazyLock<Turns> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Turns { free: Mutex::new((cores / 2).max(1)), freed: Condvar::new(), waiting: AtomicUsize::new(0) }
});

/// A permit, released on drop.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        if TURNS.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            TURNS.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let free = TURNS.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = TURNS.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        TURNS.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TURNS.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        TURNS.freed.notify_one();
    }
}

/// Runs `call` where it does not block other tasks. Returns None if too many calls are already waiting to do so.
/// Outside a multi-threaded runtime there are no other tasks to block, so it runs directly.
pub fn run_off_worker<T>(call: impl FnOnce() -> T) -> Option<T> {
    let serves = Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if !serves {
        return Some(call());
    }
    tokio::task::block_in_place(|| {
        let _turn = Turn::take()?;
        Some(call())
    })
}
