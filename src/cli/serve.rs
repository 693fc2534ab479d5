//! `gemini-adapter serve`: runs the server until a signal stops it.

use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{BAD_CONFIG, UNAVAILABLE, check, failed};
use crate::config::Sources;
use crate::runtime::{Live, Services, watch};
use crate::server::{App, Running};
use crate::telemetry::panics;

/// Runs the server until a signal stops it.
pub async fn run(sources: Sources) -> ExitCode {
    panics::log_location_only();
    open_as_many_files_as_allowed();
    let live = match start(sources) {
        Ok(live) => live,
        Err(code) => return code,
    };
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(code) => return code,
    };
    let services = live.services().clone();
    let snapshot = live.snapshot();
    services.remember(&snapshot.config.settings.store, &snapshot.config.environment).await;
    services.telemetry.begin_traces(&snapshot.config.settings.telemetry);
    drop(snapshot);
    let code = match listen(&live).await {
        Ok(running) => run_until_signal(live, running, signals).await,
        Err(code) => code,
    };
    services.store.end().await;
    let telemetry = services.telemetry.clone();
    let _ = tokio::task::spawn_blocking(move || telemetry.end_traces()).await;
    code
}

/// Raises the soft limit of open files to the hard limit, because connections count as files and a request needs two.
/// If that fails, fewer connections are possible.
fn open_as_many_files_as_allowed() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Loads the first snapshot.
pub fn start(sources: Sources) -> Result<Arc<Live>, ExitCode> {
    match Live::start(sources, Arc::new(Services::start())) {
        Ok(live) => Ok(Arc::new(live)),
        Err(problems) => {
            check::show(&problems);
            eprintln!(
                "gemini-adapter: the configuration was rejected; `gemini-adapter check` reports the same without starting"
            );
            eprintln!("gemini-adapter: to try it without any key: `gemini-adapter demo`");
            Err(ExitCode::from(BAD_CONFIG))
        }
    }
}

/// Starts the listener.
pub async fn listen(live: &Arc<Live>) -> Result<Running, ExitCode> {
    let settings = live.snapshot().config.settings.server.clone();
    let bound = TcpListener::bind(&settings.listen).await;
    let running =
        bound.and_then(|listener| crate::server::run(App::new(live.clone()), listener, settings.header_timeout));
    match running {
        Ok(running) => {
            let address = running.address.to_string();
            tracing::info!(address, "OpenAI-Style Gemini Adapter started successfully.");
            Ok(running)
        }
        Err(error) => {
            eprintln!("gemini-adapter: cannot listen on {}: {error}", settings.listen);
            eprintln!("gemini-adapter: stop the process that listens there, or set `server.listen`");
            Err(ExitCode::from(UNAVAILABLE))
        }
    }
}

/// Reloads on SIGHUP and on file changes. Stops gracefully on SIGTERM and SIGINT, and at once on the second such
/// signal.
pub async fn run_until_signal(live: Arc<Live>, running: Running, signals: Signals) -> ExitCode {
    let _watch = watch(live.clone());
    let Signals { mut hangup, mut terminate, mut interrupt } = signals;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                let live = live.clone();
                // The result is in the log.
                let _ = tokio::task::spawn_blocking(move || live.reload().is_ok()).await;
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    let drain = live.snapshot().config.settings.server.drain;
    tracing::info!(drain_s = drain.as_secs_f64(), "stopping: waiting for open requests");
    tokio::select! {
        () = running.stop(drain) => tracing::info!("stopped"),
        _ = terminate.recv() => tracing::warn!("stopped immediately: second signal"),
        _ = interrupt.recv() => tracing::warn!("stopped immediately: second signal"),
    }
    ExitCode::SUCCESS
}

/// The signals that are handled. They are registered before the server reports that it runs, because a signal may
/// follow at once.
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Registers the signal handlers.
    pub fn listen() -> Result<Self, ExitCode> {
        let [hangup, terminate, interrupt] =
            [SignalKind::hangup(), SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let all =
            || -> std::io::Result<Self> { Ok(Self { hangup: hangup?, terminate: terminate?, interrupt: interrupt? }) };
        all().map_err(|error| failed(&format!("cannot install signal handlers: {error}")))
    }
}
