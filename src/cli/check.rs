//! `gemini-adapter check`: reports what a start or a reload would report, without doing either.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{BAD_CONFIG, Format, print};
use crate::config::Sources;
use crate::keys::Ledger;
use crate::problem::{Colours, Problems, Severity};
use crate::reading::Reading;
use crate::runtime::prepare;

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Text for people on standard error, or JSON for programs on standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints every problem.
pub fn run(args: &CheckArgs, sources: &Sources) -> ExitCode {
    let (problems, accepted) = match prepare(sources, &Reading::default(), &Ledger::default()) {
        Ok(snapshot) => {
            let (pools, plugins) = (snapshot.pools.len(), snapshot.plugins.list().len());
            (snapshot.warnings, Some((snapshot.hash, pools, plugins, snapshot.config.file.is_some())))
        }
        Err(problems) => (problems, None),
    };
    let file = sources.path().display();
    match (args.format, &accepted) {
        (Format::Json, _) => {
            let hash = accepted.as_ref().map(|(hash, ..)| hash);
            let told = json!({ "ok": accepted.is_some(), "file": sources.path(), "hash": hash, "problems": problems });
            print(&serde_json::to_string_pretty(&told).unwrap_or_default());
        }
        (Format::Text, Some((hash, pools, plugins, from_file))) => {
            show(&problems);
            let file = if *from_file { file.to_string() } else { "built-in configuration".to_owned() };
            eprintln!("{file}: ok ({pools} pools, {plugins} plugins, hash {hash})");
        }
        (Format::Text, None) => {
            show(&problems);
            let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
            eprintln!("{file}: rejected, {errors} {}", if errors == 1 { "error" } else { "errors" });
        }
    }
    if accepted.is_some() { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIG) }
}

/// Prints problems to standard error, one below the other; in colour if it is a terminal and `NO_COLOR` is not set.
pub fn show(problems: &Problems) {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let colours = if wanted && std::io::stderr().is_terminal() { Colours::On } else { Colours::Off };
    for problem in problems.iter() {
        eprintln!("{}", problem.shown(colours));
    }
}
