//! The sandbox: a raw engine with chosen packages, limits on everything that can grow, and a deadline.
//!
//! What is left out matters as much: the standard packages hold `sleep`, and string functions that build gigabytes before any
//! limit is looked at. So strings have functions of our own. The limits are the same in debug and release builds, and fit the
//! 4 MiB stacks of the server's threads.

use std::cell::Cell;
use std::time::{Duration, Instant};

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
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
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

/// Runs `call` with a deadline on this thread. Whether it kept to its limits is told apart from what came of it: some functions
/// of the engine swallow the stop and answer something.
pub fn within<T>(limit: Duration, call: impl FnOnce() -> T) -> (T, bool) {
    DEADLINE.set(Some(Instant::now() + limit));
    STOPPED.set(false);
    let result = call();
    let met = !STOPPED.get() && !is_late();
    DEADLINE.set(None);
    (result, met)
}

fn is_late() -> bool {
    DEADLINE.get().is_some_and(|deadline| Instant::now() > deadline)
}

/// What scripts say in the log is theirs, but not at any length.
pub fn shortened(text: &str) -> String {
    text.chars().take(2000).collect()
}
