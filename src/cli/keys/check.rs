//! `gemini-adapter keys check`: checks each key with Google. Listing models and counting tokens do not use up quota
//! that matters.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use futures_util::stream::iter;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::report::{Report, Verdict};
use super::{NONE_GOOD, SOME_BAD, env_file};
use crate::call::{Call, Method};
use crate::cli::{BAD_CONFIG, check, failed};
use crate::config::Sources;
use crate::environment::Environment;
use crate::fault::{Blame, Fault};
use crate::keys::{Key, KeyId, Ledger};
use crate::model::ModelName;
use crate::reading::Reading;
use crate::runtime::{Snapshot, prepare};
use crate::secret::Secret;

/// Number of keys that are checked at once.
const TOGETHER: usize = 8;
/// Timeout of one answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The request for counting tokens, with a minimal prompt.
const COUNTED: &str = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
/// The request for generating one token with the same prompt.
const GENERATED: &str =
    r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":1}}"#;

/// The arguments of `keys check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Also generate one token with each key: finds exhausted quotas, and costs each key one request
    #[arg(long)]
    generate: bool,
    /// The model for counting tokens and generating
    #[arg(long, value_name = "MODEL", default_value = "gemini-flash-lite-latest")]
    model: String,
    /// Write the variables that contain keys to FILE.updated beside the env file, without bad and duplicate keys
    #[arg(long)]
    write_env: bool,
}

/// Checks all keys and prints the report.
pub async fn run(args: CheckArgs, sources: &Sources) -> ExitCode {
    let snapshot = match prepare(sources, &Reading::default(), &Ledger::default()) {
        Ok(snapshot) => snapshot,
        Err(problems) => {
            check::show(&problems);
            return ExitCode::from(BAD_CONFIG);
        }
    };
    let Some(model) = ModelName::parse(&args.model) else { return failed("`--model` is not a model name") };
    let report = ask(&snapshot, &model, args.generate).await;
    #[expect(clippy::print_stdout, reason = "this is the requested output")]
    {
        println!("{}", if args.json { report.json() } else { report.table() });
    }
    if args.write_env {
        match env_file::write(&snapshot, &sources.dotenv, &report) {
            Ok(file) => eprintln!("{}: written", file.display()),
            Err(error) => return failed(&error),
        }
    }
    match (report.good(), report.keys.len()) {
        (good, all) if good == all && report.doubled() == 0 => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(NONE_GOOD),
        _ => ExitCode::from(SOME_BAD),
    }
}

async fn ask(snapshot: &Snapshot, model: &ModelName, generate: bool) -> Report {
    let mut report = Report::of(snapshot, &configured(snapshot, &snapshot.config.environment));
    let bar = ProgressBar::new(report.keys.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} keys") {
        bar.set_style(style);
    }
    let keys: Vec<(KeyId, _)> =
        snapshot.pools.values().flat_map(|pool| pool.keys()).map(|key| (key.id().clone(), key.clone())).collect();
    let mut verdicts = iter(report.keys.iter().map(|row| row.id.clone()).collect::<Vec<_>>())
        .map(|id| {
            let key = keys.iter().find(|(known, _)| *known == id).map(|(_, key)| key.clone());
            async move {
                let verdict = match key {
                    Some(key) => verdict(snapshot, &key, model, generate).await,
                    None => Verdict::Unknown { why: "unknown", message: "It is in no pool.".into() },
                };
                (id, verdict)
            }
        })
        .buffer_unordered(TOGETHER);
    let mut told = Vec::new();
    while let Some(verdict) = verdicts.next().await {
        bar.inc(1);
        told.push(verdict);
    }
    drop(verdicts);
    bar.finish_and_clear();
    for (id, verdict) in told {
        report.add(&id, verdict);
    }
    report
}

/// Returns every key in the order of the configuration, including duplicates, with its pool.
fn configured(snapshot: &Snapshot, environment: &Environment) -> Vec<(String, Secret)> {
    let pools = &snapshot.config.settings.pools;
    let each = pools.iter().flat_map(|(name, pool)| pool.keys.iter().map(move |key| (name, key)));
    each.flat_map(|(name, key)| {
        let secrets = key.key.resolve(environment).unwrap_or_default();
        secrets.into_iter().map(move |secret| (name.clone(), secret))
    })
    .collect()
}

/// Checks a key with Google.
async fn verdict(snapshot: &Snapshot, key: &Key, model: &ModelName, generate: bool) -> Verdict {
    let upstream = &snapshot.upstream;
    let deadline = || Instant::now() + PATIENCE;
    let models = match upstream.models(key.secret(), deadline()).await {
        Ok(models) => models.len(),
        Err(fault) => return refused(&fault),
    };
    let mut asked = vec![(Method::CountTokens, COUNTED)];
    if generate {
        asked.push((Method::Generate, GENERATED));
    }
    for (method, body) in asked {
        let call = Call { model: model.clone(), method, body: body.into() };
        let answer = match upstream.send(&call, key.secret(), deadline()).await {
            Ok(mut answer) => answer.whole().await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = answer {
            return refused(&fault);
        }
    }
    Verdict::Good { models }
}

fn refused(fault: &Fault) -> Verdict {
    let (why, message) = (fault.kind.name(), fault.message.clone());
    match fault.blame {
        Blame::Key => Verdict::Bad { why, message },
        // Rate limited, or Google is unreachable: this says nothing about the key.
        _ => Verdict::Unknown { why, message },
    }
}
