//! `gemini-adapter models`: the model names that a running server offers to this client.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::remote::{ClientArgs, Failure};
use super::{Format, print};
use crate::config::Sources;

/// The arguments of `models`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Output as lines or as JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Requests the list and prints it.
pub async fn run(args: ModelsArgs, sources: &Sources) -> ExitCode {
    let models = match listed(&args.client, sources).await {
        Ok(models) => models,
        Err(failure) => return failure.exit(),
    };
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&models).unwrap_or_default()),
        Format::Text => {
            for model in models.as_array().into_iter().flatten() {
                let text = |name: &str| model[name].as_str().unwrap_or_default();
                print(format!("{:40} {}", text("id"), text("owned_by")).trim_end());
            }
        }
    }
    ExitCode::SUCCESS
}

async fn listed(client: &ClientArgs, sources: &Sources) -> Result<Value, Failure> {
    let door = client.connect(sources)?;
    let answer = door.request(Method::GET, "/v1/models").send().await;
    let answer = answer.map_err(|_| Failure::Unreachable(door.server.clone()))?;
    let status = answer.status();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap_or_default()).unwrap_or_default();
    if status.is_success() && body["data"].is_array() {
        return Ok(body["data"].clone());
    }
    let message = body["error"]["message"].as_str().unwrap_or("it is not a gemini-adapter");
    Err(Failure::Other(format!("{} answers {}: {message}", door.server, status.as_u16())))
}
