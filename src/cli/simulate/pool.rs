//! `gemini-adapter simulate pool`: how many 429s and waits each key selection policy would have caused.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;

use crate::cli::failed;
use crate::keys::trial::{self, Quotas, Report, Terms};

/// The arguments of `simulate pool`.
#[derive(Debug, Args)]
pub struct PoolArgs {
    /// The traffic, one request per line: `{"at": 12.5, "model": "gemini-2.5-flash", "takes": 3.2}`, in seconds
    #[arg(long, value_name = "FILE")]
    traffic: PathBuf,
    /// The number of keys
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    keys: u32,
    /// The number of projects the keys are spread over [default: one for each key]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    projects: Option<u32>,
    /// Google's limits for each model of a project: requests per minute and per day
    #[arg(long, value_name = "LIMITS", default_value = "rpm=10,rpd=250", value_parser = quotas)]
    limits: Quotas,
    /// The seed of the random number generator
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Runs the simulation and prints the report.
pub fn run(args: &PoolArgs) -> ExitCode {
    let read = std::fs::read_to_string(&args.traffic).map_err(|error| error.to_string());
    let requests = match read.and_then(|text| trial::read(&text)) {
        Ok(requests) => requests,
        Err(error) => return failed(&format!("{}: {error}", args.traffic.display())),
    };
    let keys = args.keys as usize;
    let projects = args.projects.map_or(keys, |projects| projects as usize).min(keys);
    let report = trial::run(&requests, &Terms { keys, projects, quotas: args.limits, seed: args.seed });
    let text = if args.json { serde_json::to_string_pretty(&report).unwrap_or_default() } else { table(&report) };
    #[expect(clippy::print_stdout, reason = "this is the requested output")]
    {
        println!("{text}");
    }
    ExitCode::SUCCESS
}

fn quotas(text: &str) -> Result<Quotas, String> {
    let mut quotas = Quotas { rpm: usize::MAX, rpd: u64::MAX };
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or("write rpm=10,rpd=250")?;
        let value: u32 = value.trim().parse().map_err(|_| format!("`{}` is not an integer", value.trim()))?;
        match name.trim() {
            "rpm" => quotas.rpm = value as usize,
            "rpd" => quotas.rpd = value.into(),
            other => return Err(format!("`{other}` is not a limit; use `rpm` and `rpd`")),
        }
    }
    Ok(quotas)
}

fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.set_header([
        "policy",
        "answered",
        "429 to clients",
        "calls at Google",
        "429 from Google",
        "most 429s of a key per cooldown",
        "waited",
        "longest wait",
    ]);
    for row in &report.policies {
        table.add_row([
            row.policy.to_owned(),
            row.answered.to_string(),
            row.client_429s.to_string(),
            row.calls.to_string(),
            row.google_429s.to_string(),
            row.most_refusals_in_a_rest.to_string(),
            row.waits.to_string(),
            format!("{:.1} s", row.longest_wait_s),
        ]);
    }
    let Report { requests, keys, projects, seed, .. } = report;
    format!("{requests} requests, {keys} keys of {projects} projects, seed {seed}\n{table}")
}
