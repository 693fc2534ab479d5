//! `gemini-adapter healthcheck`: for containers, which have no curl.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{UNAVAILABLE, running};
use crate::config::{Sources, lenient};
use crate::reading::Reading;

/// Longer than this is no answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What to ask.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Host and port [default: those of the configuration]
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
}

/// Asks `/readyz`.
pub async fn run(args: HealthcheckArgs, sources: &Sources) -> ExitCode {
    let address = args.address.unwrap_or_else(|| running::address(&lenient(sources, &Reading::default())));
    match is_ready(&address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{address}: not ready: {why}");
            ExitCode::from(UNAVAILABLE)
        }
    }
}

/// Whether a server there takes requests.
///
/// # Errors
/// Why not.
pub async fn is_ready(address: &str) -> Result<(), String> {
    match timeout(PATIENCE, ask(address)).await {
        Ok(Ok(status)) if status.starts_with("HTTP/1.1 200") => Ok(()),
        Ok(Ok(status)) => Err(status),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// The status line. One request of one line needs no HTTP client.
async fn ask(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}
