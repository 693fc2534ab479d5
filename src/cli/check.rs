//! `gemini-adapter check`: what a start or a reload would say, without either.

use std::process::ExitCode;

use super::BAD_CONFIG;
use crate::config::Sources;
use crate::keys::Ledger;
use crate::problem::{Problems, Severity};
use crate::reading::Reading;
use crate::runtime::prepare;

/// Prints every problem.
pub fn run(sources: &Sources) -> ExitCode {
    match prepare(sources, &Reading::default(), &Ledger::default()) {
        Ok(snapshot) => {
            show(&snapshot.warnings);
            let file = snapshot
                .config
                .file
                .as_ref()
                .map_or("built-in configuration".into(), |file| file.display().to_string());
            let plugins = snapshot.plugins.list().len();
            eprintln!("{file}: ok ({} pools, {plugins} plugins, hash {})", snapshot.pools.len(), snapshot.hash);
            ExitCode::SUCCESS
        }
        Err(problems) => {
            show(&problems);
            let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
            eprintln!(
                "{}: refused, {errors} {}",
                sources.path().display(),
                if errors == 1 { "error" } else { "errors" }
            );
            ExitCode::from(BAD_CONFIG)
        }
    }
}

/// One below the other, on standard error.
pub fn show(problems: &Problems) {
    if !problems.is_empty() {
        eprintln!("{problems}");
    }
}
