//! `gemini-adapter doctor`: finds what prevents the server from working, and says how to fix it. It changes nothing
//! and uses no key.

mod files;
mod machine;
mod network;
mod setup;
mod tls;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{BAD_CONFIG, print};
use crate::config::{Config, Sources, lenient};
use crate::reading::Reading;

/// The arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Check nothing beyond this machine
    #[arg(long)]
    offline: bool,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Good,
    Warning,
    Bad,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Finding {
    /// What was checked.
    about: &'static str,
    state: State,
    /// The result.
    found: String,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn good(about: &'static str, found: impl Into<String>) -> Self {
        Self { about, state: State::Good, found: found.into(), fix: None }
    }

    fn warning(about: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { about, state: State::Warning, found: found.into(), fix: Some(fix.into()) }
    }

    fn bad(about: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { about, state: State::Bad, found: found.into(), fix: Some(fix.into()) }
    }
}

/// The checks of this machine, in order.
const HERE: &[fn(&Config) -> Vec<Finding>] = &[
    setup::keys,
    setup::doors,
    setup::prices,
    files::mount,
    files::folders,
    tls::certificate,
    machine::user,
    machine::open_files,
    machine::proxy,
];

/// Runs all checks and prints the findings with fixes; exit 0, 1 if something is bad, 78 if the configuration is.
pub async fn run(args: DoctorArgs, sources: &Sources) -> ExitCode {
    let config = lenient(sources, &Reading::default());
    let setup = setup::configuration(sources);
    let refused = setup.iter().any(|finding| finding.state == State::Bad);
    let mut findings = setup;
    findings.extend(HERE.iter().flat_map(|look| look(&config)));
    findings.extend(files::readers(&config, &sources.dotenv));
    findings.push(machine::port(&config).await);
    if !args.offline {
        findings.extend(network::google(&config).await);
        findings.extend(network::redis(&config).await);
    }
    let bad = findings.iter().filter(|finding| finding.state == State::Bad).count();
    if args.json {
        let told = json!({ "ok": bad == 0, "findings": findings });
        print(&serde_json::to_string_pretty(&told).unwrap_or_default());
    } else {
        findings.iter().for_each(|finding| print(&line(finding)));
        let warnings = findings.iter().filter(|finding| finding.state == State::Warning).count();
        print(&format!("\n{bad} bad, {warnings} warnings, {} good", findings.len() - bad - warnings));
    }
    match bad {
        0 => ExitCode::SUCCESS,
        _ if refused => ExitCode::from(BAD_CONFIG),
        _ => ExitCode::FAILURE,
    }
}

fn line(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => '✓',
        State::Warning => '!',
        State::Bad => '✗',
    };
    let fix = finding.fix.as_deref().map(|fix| format!("\n{:20}-> {fix}", "")).unwrap_or_default();
    format!("{mark} {:16}  {}{fix}", finding.about, finding.found)
}
