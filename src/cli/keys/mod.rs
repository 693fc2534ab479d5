//! `gemini-adapter keys …`: about the keys of a configuration, without serving.

mod check;
mod cleaned;
mod report;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Sources;

/// Some keys are bad.
const SOME_BAD: u8 = 3;
/// No key is good.
const NONE_GOOD: u8 = 4;

/// What to do with the keys.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Ask Google about every configured key, without spending a generated token; exit 0 all good, 3 some bad, 4 none good
    Check(check::CheckArgs),
}

/// Does it.
pub async fn run(args: KeysArgs, sources: &Sources) -> ExitCode {
    match args.command {
        KeysCommand::Check(args) => check::run(args, sources).await,
    }
}
