//! The budget of one call, tracked on the thread it runs on.
//!
//! A script cannot block, so wall-clock time during which its thread does no work is caused by the machine: on a busy
//! one, a thread can be descheduled for longer than any limit. When a call exceeds its limit by the wall clock, its
//! thread's CPU time is therefore measured from then on, and it may use the limit once more. Calls that stay within
//! the limit never pay for that measurement.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use rhai::{Dynamic, Engine};

/// The clock is checked once per this many operations.
const LOOK_EVERY: u64 = 64;

thread_local! {
    static DEADLINE: Cell<Option<Deadline>> = const { Cell::new(None) };
    static STOPPED: Cell<bool> = const { Cell::new(false) };
    static MOST_OPERATIONS: Cell<u64> = const { Cell::new(0) };
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
    static PLUGIN: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// The limits of one call, and the plugin it belongs to.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The plugin that is called.
    pub plugin: Arc<str>,
    /// Time limit.
    pub time: Duration,
    /// Maximum number of script operations.
    pub operations: u64,
}

/// The result of a call within a budget.
pub struct Spent<T> {
    /// What the call returned.
    pub result: T,
    /// Whether it stayed within its budget. This is separate from the result, because some functions of the engine
    /// swallow a stop and return a value.
    pub met: bool,
    /// The number of operations it used.
    pub operations: u64,
    /// The time it took.
    pub took: Duration,
}

/// Runs `call` on this thread within a budget.
pub fn within<T>(budget: &Budget, call: impl FnOnce() -> T) -> Spent<T> {
    let began = Instant::now();
    DEADLINE.set(Some(Deadline { at: began + budget.time, limit: budget.time, late_since: None }));
    STOPPED.set(false);
    MOST_OPERATIONS.set(budget.operations);
    OPERATIONS.set(0);
    PLUGIN.set(Some(budget.plugin.clone()));
    let result = call();
    // One look at the clock says both whether the call was late and how long it took.
    let now = Instant::now();
    let met = !STOPPED.get() && !is_late(now);
    DEADLINE.set(None);
    PLUGIN.set(None);
    Spent { result, met, operations: OPERATIONS.get(), took: now.saturating_duration_since(began) }
}

/// Returns the plugin whose call is running on this thread.
pub fn current_plugin() -> Arc<str> {
    PLUGIN.with_borrow(|plugin| plugin.clone().unwrap_or_else(|| "".into()))
}

/// Makes the engine stop calls that exceed their budget. Operations are counted here and not by the engine, because
/// some of its functions swallow its stop, which would then go unnoticed.
pub fn watch(engine: &mut Engine) {
    engine.on_progress(|operations| {
        OPERATIONS.set(operations);
        let stop = operations > MOST_OPERATIONS.get() || (operations % LOOK_EVERY == 0 && is_late(Instant::now()));
        stop.then(|| {
            STOPPED.set(true);
            Dynamic::UNIT
        })
    });
}

/// When a call on this thread is over its time limit.
#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    limit: Duration,
    late_since: Option<ThreadTime>,
}

impl Deadline {
    /// Returns the deadline extended by the CPU time left, or None if none is left.
    fn extended(self) -> Option<Self> {
        let late_since = self.late_since.map_or_else(|| ThreadTime::try_now().ok(), Some)?;
        let left = self.limit.checked_sub(late_since.try_elapsed().ok()?).filter(|left| !left.is_zero())?;
        Some(Self { at: Instant::now() + left, late_since: Some(late_since), ..self })
    }
}

fn is_late(now: Instant) -> bool {
    let Some(deadline) = DEADLINE.get().filter(|deadline| now > deadline.at) else { return false };
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
                late |= is_late(Instant::now());
            }
            late
        });
        assert!(spent.result && !spent.met);
    }
}
