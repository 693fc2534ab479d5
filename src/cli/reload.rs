//! `gemini-adapter reload`: a running server loads its configuration now, and says what came of it.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::print;
use super::remote::RunningArgs;
use crate::config::Sources;
use crate::runtime::Change;

/// Which server.
#[derive(Debug, Args)]
pub struct ReloadArgs {
    #[command(flatten)]
    running: RunningArgs,
}

/// Asks, and prints what has changed.
pub async fn run(args: ReloadArgs, sources: &Sources) -> ExitCode {
    match args.running.request(sources, Method::POST, "/admin/reload").await {
        Ok(reloaded) => {
            print(&accepted(&reloaded));
            ExitCode::SUCCESS
        }
        Err(failure) => failure.exit(),
    }
}

/// What was accepted, in words.
pub fn accepted(reloaded: &Value) -> String {
    let (generation, hash) = (&reloaded["generation"], reloaded["hash"].as_str().unwrap_or_default());
    if reloaded["changed"] == false {
        return format!("nothing has changed: generation {generation}, hash {hash}");
    }
    let changes = changes(&reloaded["changes"]);
    format!("{}accepted: generation {generation}, hash {hash}", lines(&changes))
}

/// Changes as an answer has them.
pub fn changes(answer: &Value) -> Vec<Change> {
    serde_json::from_value(answer.clone()).unwrap_or_default()
}

/// One below the other.
pub fn lines(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("  {change}\n")).collect()
}
