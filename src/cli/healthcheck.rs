//! `gemini-adapter healthcheck`: for containers, which lack curl.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{UNAVAILABLE, remote};
use crate::config::{Sources, lenient};
use crate::reading::Reading;

/// Timeout of the check.
const PATIENCE: Duration = Duration::from_secs(3);

/// The arguments of `healthcheck`.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Host and port [default: as configured]
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
}

/// Requests `/readyz`.
pub async fn run(args: HealthcheckArgs, sources: &Sources) -> ExitCode {
    let config = lenient(sources, &Reading::default());
    let url = args.address.map_or_else(|| remote::url(&config), |address| remote::url_at(&config, &address));
    match is_ready(&url).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{url}: not ready: {why}");
            ExitCode::from(UNAVAILABLE)
        }
    }
}

/// Checks whether a server at this URL is ready for requests.
///
/// # Errors
/// Returns why it is not ready.
pub async fn is_ready(url: &str) -> Result<(), String> {
    let client = remote::own().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
    match client.get(format!("{url}/readyz")).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(answer.status().to_string()),
        Err(error) => Err(remote::reason(&error)),
    }
}
