//! `gemini-adapter keys …`: commands for the keys of a configuration, without running the server.

mod check;
mod env_file;
mod report;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Sources;

/// Exit code: some keys are bad.
const SOME_BAD: u8 = 3;
/// Exit code: no key is good.
const NONE_GOOD: u8 = 4;

/// The arguments of `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Check every configured key with Google, without generating tokens; exit 0 if all are good, 3 some bad, 4 none
    /// good
    Check(check::CheckArgs),
}

/// Runs the command.
pub async fn run(args: KeysArgs, sources: &Sources) -> ExitCode {
    match args.command {
        KeysCommand::Check(args) => check::run(args, sources).await,
    }
}
