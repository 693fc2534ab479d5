//! The sandbox: a raw engine with chosen packages, limits on everything that can grow, and a deadline.
//!
//! What is left out matters as much: the standard packages hold `sleep`, and string functions that build gigabytes before any
//! limit is looked at. So strings have functions of our own. The limits are the same in debug and release builds, and fit the
//! 4 MiB stacks of the server's threads.

use std::cell::Cell;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, Package,
};
use rhai::{Dynamic, Engine};

use super::settings::PluginsSettings;
use super::{body, context, host, strings};

/// Longest string, in bytes.
pub const LONGEST_STRING: usize = 1024 * 1024;
/// The clock is looked at once in so many operations.
const LOOK_EVERY: u64 = 64;

thread_local! {
    static DEADLINE: Cell<Option<Deadline>> = const { Cell::new(None) };
    static STOPPED: Cell<bool> = const { Cell::new(false) };
}

/// The engine of one set of plugins.
pub fn build(settings: &PluginsSettings) -> Engine {
    let mut engine = Engine::new_raw();
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    engine
        .set_max_call_levels(16)
        .set_max_expr_depths(32, 16)
        .set_max_string_size(LONGEST_STRING)
        .set_max_array_size(10_000)
        .set_max_map_size(2_000)
        .set_max_variables(128)
        .set_max_functions(64)
        .set_max_modules(64)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .disable_symbol("eval")
        .disable_symbol("import");
    engine.on_print(|text| tracing::info!(target: "gemini_adapter::plugin", "{}", shortened(text)));
    engine.on_debug(|text, _, _| tracing::debug!(target: "gemini_adapter::plugin", "{}", shortened(text)));
    // Operations are counted here, not by the engine: some of its functions swallow its stop, and then nobody would know.
    let most = settings.max_operations;
    engine.on_progress(move |operations| {
        let stop = operations > most || (operations % LOOK_EVERY == 0 && is_late());
        stop.then(|| {
            STOPPED.set(true);
            Dynamic::UNIT
        })
    });
    strings::register(&mut engine);
    host::register(&mut engine);
    body::register(&mut engine);
    context::register(&mut engine);
    engine
}

/// When a call on this thread is late.
///
/// A script cannot wait for anything, so time that passes without its thread working is the machine's doing: on a busy one a
/// thread may be put aside for longer than any limit. Whoever is late by the clock is therefore measured by what the thread
/// works from then on, for as long as the limit once more. Calls that are in time never pay for that measure.
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

/// Runs `call` with a deadline on this thread. Whether it kept to its limits is told apart from what came of it: some functions
/// of the engine swallow the stop and answer something.
pub fn within<T>(limit: Duration, call: impl FnOnce() -> T) -> (T, bool) {
    DEADLINE.set(Some(Deadline::after(limit)));
    STOPPED.set(false);
    let result = call();
    let met = !STOPPED.get() && !is_late();
    DEADLINE.set(None);
    (result, met)
}

fn is_late() -> bool {
    let Some(deadline) = DEADLINE.get().filter(|deadline| Instant::now() > deadline.at) else { return false };
    let extended = deadline.extended();
    DEADLINE.set(extended.or(Some(deadline)));
    extended.is_none()
}

/// What scripts say in the log is theirs, but not at any length.
pub fn shortened(text: &str) -> String {
    text.chars().take(2000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(5);

    #[test]
    fn time_without_work_is_not_a_scripts_fault() {
        let ((), met) = within(LIMIT, || std::thread::sleep(LIMIT * 6));
        assert!(met, "a thread that was put aside was called late");
    }

    #[test]
    fn work_beyond_the_limit_is() {
        let (late, met) = within(LIMIT, || {
            let began = ThreadTime::now();
            let mut late = false;
            while began.elapsed() < LIMIT * 6 {
                late |= is_late();
            }
            late
        });
        assert!(late && !met);
    }
}
