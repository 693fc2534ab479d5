//! What one call may spend, kept on the thread it runs on.
//!
//! A script cannot wait for anything, so time that passes without its thread working is the machine's doing: on a busy one a
//! thread may be put aside for longer than any limit. Whoever is late by the clock is therefore measured by what the thread
//! works from then on, for as long as the limit once more. Calls that are in time never pay for that measure.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use rhai::{Dynamic, Engine};

/// The clock is looked at once in so many operations.
const LOOK_EVERY: u64 = 64;

thread_local! {
    static DEADLINE: Cell<Option<Deadline>> = const { Cell::new(None) };
    static STOPPED: Cell<bool> = const { Cell::new(false) };
    static MOST_OPERATIONS: Cell<u64> = const { Cell::new(0) };
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
    static PLUGIN: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// What one call may spend, and on whose account.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Whose call it is.
    pub plugin: Arc<str>,
    /// Longest time.
    pub time: Duration,
    /// Most operations of the language.
    pub operations: u64,
}

/// What came of a call within a budget.
pub struct Spent<T> {
    /// What it returned.
    pub result: T,
    /// Whether it kept to its budget. Told apart from the result: some functions of the engine swallow a stop and answer something.
    pub met: bool,
    /// How many operations it took.
    pub operations: u64,
}

/// Runs `call` within a budget on this thread.
pub fn within<T>(budget: &Budget, call: impl FnOnce() -> T) -> Spent<T> {
    DEADLINE.set(Some(Deadline::after(budget.time)));
    STOPPED.set(false);
    MOST_OPERATIONS.set(budget.operations);
    OPERATIONS.set(0);
    PLUGIN.set(Some(budget.plugin.clone()));
    let result = call();
    let met = !STOPPED.get() && !is_late();
    DEADLINE.set(None);
    PLUGIN.set(None);
    Spent { result, met, operations: OPERATIONS.get() }
}

/// Whose call runs on this thread.
pub fn current_plugin() -> Arc<str> {
    PLUGIN.with_borrow(|plugin| plugin.clone().unwrap_or_else(|| "".into()))
}

/// Has the engine stop what goes beyond its budget. Operations are counted here, not by the engine: some of its functions swallow
/// its stop, and then nobody would know.
pub fn watch(engine: &mut Engine) {
    engine.on_progress(|operations| {
        OPERATIONS.set(operations);
        let stop = operations > MOST_OPERATIONS.get() || (operations % LOOK_EVERY == 0 && is_late());
        stop.then(|| {
            STOPPED.set(true);
            Dynamic::UNIT
        })
    });
}

/// When a call on this thread is late.
#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    limit: Duration,
    late_since: Option<ThreadTime>,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit, late_since: None }
    }

    /// The next moment to ask again, or None when it is over.
    fn extended(self) -> Option<Self> {
        let late_since = self.late_since.map_or_else(|| ThreadTime::try_now().ok(), Some)?;
        let left = self.limit.checked_sub(late_since.try_elapsed().ok()?).filter(|left| !left.is_zero())?;
        Some(Self { at: Instant::now() + left, late_since: Some(late_since), ..self })
    }
}

fn is_late() -> bool {
    let Some(deadline) = DEADLINE.get().filter(|deadline| Instant::now() > deadline.at) else { return false };
    let extended = deadline.extended();
    DEADLINE.set(extended.or(Some(deadline)));
    extended.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(5);

    fn budget() -> Budget {
        Budget { plugin: "p".into(), time: LIMIT, operations: 1000 }
    }

    #[test]
    fn time_without_work_is_not_a_scripts_fault() {
        let spent = within(&budget(), || std::thread::sleep(LIMIT * 6));
        assert!(spent.met, "a thread that was put aside was called late");
    }

    #[test]
    fn work_beyond_the_limit_is() {
        let spent = within(&budget(), || {
            let began = ThreadTime::now();
            let mut late = false;
            while began.elapsed() < LIMIT * 6 {
                late |= is_late();
            }
            late
        });
        assert!(spent.result && !spent.met);
    }
}
