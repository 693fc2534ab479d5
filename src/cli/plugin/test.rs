//! `plugin test`: every case, one below the other.

use std::process::ExitCode;

use clap::Args;

use super::{BAD_CONFIG, check, say};
use crate::plugin::{PluginsSettings, cases};
use crate::problem::Problems;
use crate::reading::Reading;

/// What to run.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Plugins by name; all when there are none
    names: Vec<String>,
    /// The tests of the library instead
    #[arg(long)]
    library: bool,
}

/// Runs them.
pub fn run(args: &TestArgs, settings: &PluginsSettings) -> ExitCode {
    let mut problems = Problems::new();
    let mut reports = if args.library {
        cases::of_library(&mut problems)
    } else {
        cases::of_folder(settings, &Reading::default(), &mut problems)
    };
    check::show(&problems);
    reports.retain(|report| args.names.is_empty() || args.names.contains(&report.plugin));
    for report in &reports {
        match &report.wrong {
            None => say(&format!("ok      {}: {}", report.plugin, report.name)),
            Some(wrong) => say(&format!(
                "FAILED  {}: {}\n        {}:{}: {wrong}",
                report.plugin,
                report.name,
                report.file.display(),
                report.line
            )),
        }
    }
    let failed = reports.iter().filter(|report| report.wrong.is_some()).count();
    eprintln!("{} tests, {failed} failed", reports.len());
    if problems.has_errors() {
        return ExitCode::from(BAD_CONFIG);
    }
    if reports.is_empty() {
        eprintln!("a test is a `[[case]]` in `tests/NAME.toml` beside the plugin; docs/plugins.md says more");
    }
    ExitCode::from(u8::from(failed > 0))
}
