//! `plugin test`: runs the test cases and prints each result.

use std::process::ExitCode;

use clap::Args;

use super::{BAD_CONFIG, check, say};
use crate::plugin::{PluginsSettings, cases};
use crate::problem::Problems;
use crate::reading::Reading;

/// The arguments of `plugin test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Names of plugins; without any, all plugins
    names: Vec<String>,
    /// Run the tests of the library instead
    #[arg(long)]
    library: bool,
}

/// Runs the cases.
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
        eprintln!("a test is a `[[case]]` in `tests/NAME.toml` beside the plugin; see docs/plugins.md");
    }
    ExitCode::from(u8::from(failed > 0))
}
