//! `gemini-adapter simulate`: runs only the stand-in Gemini, or simulates a pool of keys on recorded traffic in
//! virtual time.

mod pool;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use super::{UNAVAILABLE, failed};
use crate::simulator::{Options, SCENARIOS, Simulator};
use crate::telemetry::LogSettings;

/// The arguments of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = after_help(), args_conflicts_with_subcommands = true)]
pub struct SimulateArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,
    /// The scenario for requests that select none themselves: `503 times=2`
    #[arg(long, value_name = "SCENARIO")]
    scenario: Option<String>,
    /// A capsule from `/admin/capsule/{id}`, whose attempts are answered again one after the other; or a folder of
    /// recorded answers, served to prompts that contain `[[replay:NAME]]`
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare key selection policies on recorded traffic, against a virtual Google: a day takes a second
    Pool(pool::PoolArgs),
}

fn after_help() -> String {
    let rows: Vec<String> = SCENARIOS.iter().map(|row| format!("  {:<14} {}", row.name, row.about)).collect();
    format!(
        "Scenarios, by `[[sim:NAME key=value]]` in the last message (times=N: only the first N times; odds=N: in N percent of requests):\n{}",
        rows.join("\n")
    )
}

/// Runs the simulator until Ctrl-C.
pub async fn run(args: SimulateArgs) -> ExitCode {
    if let Some(What::Pool(args)) = args.what {
        return pool::run(&args);
    }
    crate::telemetry::logs::apply(&LogSettings::default());
    let options = Options { scenario: args.scenario, replay: args.replay };
    let listener = match TcpListener::bind(&args.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("gemini-adapter: cannot listen on {}: {error}", args.listen);
            return ExitCode::from(UNAVAILABLE);
        }
    };
    let simulator = match Simulator::start(listener, options) {
        Ok(simulator) => simulator,
        Err(error) => return failed(&format!("cannot start the stand-in Gemini: {error}")),
    };
    #[expect(clippy::print_stdout, reason = "scripts read the address")]
    {
        println!("{}", simulator.base_url());
    }
    let _ = tokio::signal::ctrl_c().await;
    ExitCode::SUCCESS
}
