//! `gemini-adapter demo`: runs the server with a stand-in Gemini behind it, and prints a command to try.

mod traffic;

use std::process::ExitCode;

use clap::Args;
use tokio::net::TcpListener;

use super::{failed, serve};
use crate::config::Sources;
use crate::simulator::{Options, Simulator};

/// The keys of the demo. They are valid nowhere else.
const CLIENT_KEY: &str = "demo-client-key-0000000000";
const ADMIN_KEY: &str = "demo-admin-key-00000000000";
const GEMINI_KEYS: &[&str] = &["demo-gemini-key-one-000000", "demo-gemini-key-two-000000"];

/// The arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    listen: String,
    /// Simulate clients that call continuously and keys that fail now and then, to give the dashboard something to
    /// show
    #[arg(long)]
    traffic: bool,
}

/// Runs the demo until a signal stops it.
pub async fn run(args: DemoArgs, sources: Sources) -> ExitCode {
    let simulator = match TcpListener::bind("127.0.0.1:0").await {
        Ok(listener) => Simulator::start(listener, Options::default()),
        Err(error) => return failed(&format!("the stand-in Gemini cannot listen: {error}")),
    };
    let simulator = match simulator {
        Ok(simulator) => simulator,
        Err(error) => return failed(&format!("cannot start the stand-in Gemini: {error}")),
    };
    let live = match serve::start(demonstrated(sources, &args, &simulator.base_url())) {
        Ok(live) => live,
        Err(code) => return code,
    };
    let signals = match serve::Signals::listen() {
        Ok(signals) => signals,
        Err(code) => return code,
    };
    let running = match serve::listen(&live).await {
        Ok(running) => running,
        Err(code) => return code,
    };
    eprintln!("{}", words(&running.url()));
    if args.traffic {
        eprintln!("Simulated clients are sending requests.\n");
        traffic::begin(&running.url());
    }
    serve::run_until_signal(live, running, signals).await
}

/// Returns the user's own configuration, overridden with the demo's keys and upstream.
fn demonstrated(mut sources: Sources, args: &DemoArgs, upstream: &str) -> Sources {
    let list =
        |keys: &[&str]| format!("[{}]", keys.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", "));
    let quoted = |text: &str| format!("\"{text}\"");
    sources.overrides.extend(
        [
            ("server.listen", quoted(&args.listen)),
            ("upstream.base_url", quoted(upstream)),
            ("auth.client_keys", list(&[CLIENT_KEY])),
            ("auth.admin_keys", list(&[ADMIN_KEY])),
            ("pools.default.keys", list(GEMINI_KEYS)),
            ("runtime.dir", quoted("")),
            ("log.level", quoted("warn")),
        ]
        .map(|(path, value)| (path.to_owned(), value)),
    );
    if args.traffic {
        sources.overrides.extend(traffic::settings().map(|(path, value)| (path.to_owned(), value)));
    }
    sources
}

fn words(url: &str) -> String {
    format!(
        "
The demo runs at {url}/v1, with a stand-in Gemini behind it.

  client key   {CLIENT_KEY}
  admin key    {ADMIN_KEY}

Try it:

  curl {url}/v1/chat/completions \\
    -H 'Authorization: Bearer {CLIENT_KEY}' -H 'Content-Type: application/json' \\
    -d '{{\"model\": \"gpt-4o\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}}'

Open the dashboard with the admin key:

  {url}/admin/

Stop it with Ctrl-C.
"
    )
}
