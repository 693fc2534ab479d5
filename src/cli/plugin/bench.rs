//! `plugin bench`: measures each hook of a plugin with the plugin's tests.

use std::process::ExitCode;

use clap::Args;

use super::{check, failed, say};
use crate::plugin::PluginsSettings;
use crate::plugin::cases::{self, CaseCost};
use crate::problem::Problems;
use crate::reading::Reading;

/// The arguments of `plugin bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The name of the plugin
    name: String,
    /// How often each case is run
    #[arg(long, default_value_t = 1000)]
    times: u32,
    /// Measure the plugin of the library with this name
    #[arg(long)]
    library: bool,
}

/// Measures the hooks and prints a table.
pub fn run(args: &BenchArgs, settings: &PluginsSettings) -> ExitCode {
    let mut problems = Problems::new();
    let costs = cases::costs(&args.name, args.library, args.times, settings, &Reading::default(), &mut problems);
    check::show(&problems);
    if costs.is_empty() {
        return failed(&format!("`{}` has no tests to measure; put them into `tests/{}.toml`", args.name, args.name));
    }
    say("hook                    µs/call       p50       p99   operations   case");
    for CaseCost { case, hook } in costs {
        let calls = hook.calls.max(1) as f64;
        let micros = |milliseconds: Option<f64>| milliseconds.unwrap_or_default() * 1e3;
        let (mean, operations) = (hook.spent.as_secs_f64() * 1e6 / calls, hook.operations as f64 / calls);
        let (half, most) = (micros(hook.latencies.p50_ms), micros(hook.latencies.p99_ms));
        say(&format!("{:20} {mean:10.2} {half:9.2} {most:9.2} {operations:12.0}   {case}", hook.name));
    }
    ExitCode::SUCCESS
}
