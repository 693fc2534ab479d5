//! The sandbox: a raw engine with selected packages, limits on everything that can grow, a budget for each call, and
//! libraries from one folder only.
//!
//! What is left out matters as much. The standard packages contain `sleep`, and string functions that build gigabytes
//! before any limit is checked, so the string functions are our own. The limits are the same in debug and release
//! builds, and fit the 4 MiB stacks of the server's threads.

mod blocking;
mod deadline;
mod libraries;

use rhai::Engine;
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, Package,
};

pub use blocking::{Pace, run_off_worker};
pub use deadline::{Budget, Spent, current_plugin, within};
pub use libraries::Libraries;

use super::{context, host};

/// Maximum length of a string, in bytes.
pub const LONGEST_STRING: usize = 1024 * 1024;

/// Creates the engine for one set of plugins.
pub fn engine(libraries: Libraries) -> Engine {
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
        .set_max_expr_depths(64, 32)
        .set_max_string_size(LONGEST_STRING)
        .set_max_array_size(10_000)
        .set_max_map_size(2_000)
        .set_max_variables(128)
        .set_max_functions(64)
        .set_max_modules(64)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .disable_symbol("eval")
        .set_module_resolver(libraries);
    deadline::watch(&mut engine);
    host::register(&mut engine);
    context::register(&mut engine);
    engine
}

/// Truncates text of a script for the log and for error messages.
pub fn shortened(text: &str) -> String {
    text.chars().take(2000).collect()
}
