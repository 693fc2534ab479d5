//! `gemini-adapter reload`: makes a running server reload its configuration now, and reports the result.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::print;
use super::remote::RunningArgs;
use crate::config::Sources;
use crate::runtime::Change;

/// The arguments of `reload`.
#[derive(Debug, Args)]
pub struct ReloadArgs {
    #[command(flatten)]
    running: RunningArgs,
}

/// Requests a reload, and prints what has changed.
pub async fn run(args: ReloadArgs, sources: &Sources) -> ExitCode {
    match args.running.request(sources, Method::POST, "/admin/reload").await {
        Ok(reloaded) => {
            print(&accepted(&reloaded));
            ExitCode::SUCCESS
        }
        Err(failure) => failure.exit(),
    }
}

/// Describes the accepted configuration and its changes.
pub fn accepted(reloaded: &Value) -> String {
    let (generation, hash) = (&reloaded["generation"], reloaded["hash"].as_str().unwrap_or_default());
    if reloaded["changed"] == false {
        return format!("nothing has changed: generation {generation}, hash {hash}");
    }
    let changes = changes(&reloaded["changes"]);
    format!("{}accepted: generation {generation}, hash {hash}", lines(&changes))
}

/// Reads changes from an answer of the admin API.
pub fn changes(answer: &Value) -> Vec<Change> {
    serde_json::from_value(answer.clone()).unwrap_or_default()
}

/// Formats changes, one per line.
pub fn lines(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("  {change}\n")).collect()
}
