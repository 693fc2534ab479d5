//! `plugin bench`: what each hook of a plugin costs, by its own tests.

use std::process::ExitCode;

use clap::Args;

use super::{check, failed, say};
use crate::plugin::{PluginsSettings, cases};
use crate::problem::Problems;
use crate::reading::Reading;

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The plugin
    name: String,
    /// How often each case is run
    #[arg(long, default_value_t = 1000)]
    times: u32,
    /// It is one of the library
    #[arg(long)]
    library: bool,
}

/// Measures.
pub fn run(args: &BenchArgs, settings: &PluginsSettings) -> ExitCode {
    let mut problems = Problems::new();
    let costs = cases::costs(&args.name, args.library, args.times, settings, &Reading::default(), &mut problems);
    check::show(&problems);
    if costs.is_empty() {
        return failed(&format!("`{}` has no tests to measure by: `tests/{}.toml` holds them", args.name, args.name));
    }
    say("hook                      calls   µs a call   operations a call");
    for hook in costs {
        let calls = hook.calls.max(1) as f64;
        let micros = hook.spent.as_secs_f64() * 1e6 / calls;
        say(&format!("{:22} {:8} {micros:11.2} {:19.0}", hook.name, hook.calls, hook.operations as f64 / calls));
    }
    ExitCode::SUCCESS
}
