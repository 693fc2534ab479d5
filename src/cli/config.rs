//! `gemini-adapter config`: shows the configuration, pending changes and history, and rolls back.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::remote::{Failure, RunningArgs};
use super::{BAD_CONFIG, Format, check, failed, print, reload};
use crate::config::{Shown, Sources, lenient, load};
use crate::keys::Ledger;
use crate::reading::Reading;
use crate::runtime::{Change, History, changes, open, prepare, rollback_files};

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the settings that were set, each with its source; secrets are masked
    Show(ShowArgs),
    /// Print what a reload of the running server would change; exit 78 if the configuration would be rejected
    Diff(DiffArgs),
    /// List the configurations that were accepted, newest first
    History(HistoryArgs),
    /// Roll back to an earlier configuration: its files are checked, written and loaded
    Rollback(RollbackArgs),
}

/// The arguments of `config show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Show all settings, including those with default values
    #[arg(long)]
    resolved: bool,
    /// Output as lines or as JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The arguments of `config diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Compare with the last configuration that was accepted, without contacting a server
    #[arg(long)]
    last_good: bool,
    #[command(flatten)]
    running: RunningArgs,
}

/// The arguments of `config history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    running: RunningArgs,
}

/// The arguments of `config rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The number of the configuration, as listed by `config history`
    generation: u64,
    #[command(flatten)]
    running: RunningArgs,
}

/// Runs the command.
pub async fn run(command: ConfigCommand, sources: &Sources) -> ExitCode {
    match command {
        ConfigCommand::Show(args) => show(&args, sources),
        ConfigCommand::Diff(args) if args.last_good => diff_from_last_good(sources),
        ConfigCommand::Diff(args) => match args.running.request(sources, Method::POST, "/admin/config/trial").await {
            Ok(trial) => print_changes(&reload::changes(&trial["changes"])),
            Err(failure) => failure.exit(),
        },
        ConfigCommand::History(args) => match args.running.request(sources, Method::GET, "/admin/config/history").await
        {
            Ok(history) => listed(&history["generations"]),
            Err(Failure::Unreachable(_)) => {
                eprintln!("no server answers; the stored history:");
                listed(&json!(kept(sources).all()))
            }
            Err(failure) => failure.exit(),
        },
        ConfigCommand::Rollback(args) => rollback(&args, sources).await,
    }
}

fn show(args: &ShowArgs, sources: &Sources) -> ExitCode {
    let config = match load(sources, &Reading::default()) {
        Ok(loaded) => loaded.config,
        Err(problems) => {
            check::show(&problems);
            return ExitCode::from(BAD_CONFIG);
        }
    };
    let shown: Vec<Shown> =
        config.shown().into_iter().filter(|shown| args.resolved || shown.source.is_some()).collect();
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&shown).unwrap_or_default()),
        Format::Text => {
            for Shown { path, value, source } in shown {
                let source = source.map_or("default".to_owned(), |source| source.to_string());
                print(&format!("{:<60} # {source}", format!("{path} = {value}")));
            }
        }
    }
    ExitCode::SUCCESS
}

fn diff_from_last_good(sources: &Sources) -> ExitCode {
    let Some(last) = kept(sources).last() else { return failed("no configuration is stored yet") };
    let ledger = Ledger::default();
    let before = open(&last).and_then(|files| prepare(sources, &Reading::from_stored(files), &ledger));
    let after = prepare(sources, &Reading::default(), &ledger);
    match before.and_then(|before| after.map(|after| changes(&before, &after))) {
        Ok(changes) => print_changes(&changes),
        Err(problems) => Failure::Refused(problems).exit(),
    }
}

fn print_changes(changes: &[Change]) -> ExitCode {
    match changes {
        [] => print("nothing would change"),
        some => print(reload::lines(some).trim_end()),
    }
    ExitCode::SUCCESS
}

async fn rollback(args: &RollbackArgs, sources: &Sources) -> ExitCode {
    let path = format!("/admin/config/rollback/{}", args.generation);
    match args.running.request(sources, Method::POST, &path).await {
        Ok(reloaded) => {
            print(&reload::accepted(&reloaded));
            ExitCode::SUCCESS
        }
        Err(Failure::Unreachable(_)) => match rollback_files(&kept(sources), args.generation, sources) {
            Ok(()) => {
                print("no server answers; the files are restored for the next start");
                ExitCode::SUCCESS
            }
            Err(problems) => Failure::Refused(problems).exit(),
        },
        Err(failure) => failure.exit(),
    }
}

/// Returns the history kept by a server that runs here.
fn kept(sources: &Sources) -> History {
    History::open(&lenient(sources, &Reading::default()).settings.runtime.dir)
}

fn listed(generations: &Value) -> ExitCode {
    for kept in generations.as_array().into_iter().flatten() {
        let mark = if kept["live"] == true { "  (live)" } else { "" };
        let text = |name: &str| kept[name].as_str().unwrap_or_default().to_owned();
        print(&format!("{:>6}  {}  {}{mark}", kept["generation"].to_string(), text("hash"), text("at")));
        let changes = reload::changes(&kept["changes"]);
        if !changes.is_empty() {
            print(reload::lines(&changes).trim_end());
        }
    }
    ExitCode::SUCCESS
}
