//! Long calls beside the threads that serve.
//!
//! A hook that takes microseconds runs where its request is served: handing it over would cost more than it does. One that takes
//! long, or says that it may, leaves that thread's other requests to another thread first, and of such calls only a few run at once:
//! so a heavy plugin costs the requests it concerns, and no others.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// What a call may take on average and stay where it is.
const SHORT: Duration = Duration::from_millis(1);
/// Longer than this no call may be that begins where requests are served.
pub const LONGEST_INLINE: Duration = Duration::from_millis(10);
/// Calls that wait for their turn. More than that is a plugin that cannot keep up.
const MOST_WAITING: usize = 128;

/// How long the calls of a hook take of late.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// A call took so long.
    pub fn took(&self, spent: Duration) {
        let spent = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(before - before / 8 + spent / 8, Ordering::Relaxed);
    }

    /// Whether the next one should make room for others.
    pub fn is_long(&self, limit: Duration) -> bool {
        limit > LONGEST_INLINE || Duration::from_nanos(self.0.load(Ordering::Relaxed)) > SHORT
    }
}

/// Turns for long calls: half the cores, so that the other half serves.
struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
    waiting: AtomicUsize,
}

static TURNS: LazyLock<Turns> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Turns { free: Mutex::new((cores / 2).max(1)), freed: Condvar::new(), waiting: AtomicUsize::new(0) }
});

/// A turn, until it is dropped.
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

/// Runs `call` where it stops nobody else; None when too many wait to do so. Outside of a server with several threads there is
/// nobody to stop.
pub fn apart<T>(call: impl FnOnce() -> T) -> Option<T> {
    let serves = Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if !serves {
        return Some(call());
    }
    tokio::task::block_in_place(|| {
        let _turn = Turn::take()?;
        Some(call())
    })
}
