//! The log on standard error: readable text on a terminal, otherwise one JSON object per line. The level follows the
//! configuration.

use std::io::IsTerminal;
use std::sync::OnceLock;

use serde::Serialize;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use super::log_writer::{LINES, LogWriter};
use super::settings::{Format, LogSettings};

static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();
/// Set when lines are JSON.
static JSON: OnceLock<()> = OnceLock::new();

/// Starts logging, or changes the level if it has been started. A change of format needs a restart.
pub fn apply(settings: &LogSettings) {
    if let Some(handle) = FILTER.get() {
        if let Err(error) = handle.reload(filter(&settings.level)) {
            tracing::warn!(%error, "the log level could not be changed");
        }
        return;
    }
    let (filter, handle) = reload::Layer::new(filter(&settings.level));
    let pretty = match settings.format {
        Format::Auto => std::io::stderr().is_terminal(),
        Format::Pretty => true,
        Format::Json => false,
    };
    let lines = fmt::layer().with_writer(LogWriter);
    let lines = if pretty {
        lines.with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = FILTER.set(handle);
        if !pretty {
            let _ = JSON.set(());
        }
    }
}

/// Whether lines are JSON, so that callers may [write](write) their own.
pub fn are_json() -> bool {
    JSON.get().is_some()
}

/// Writes `line` as JSON, bypassing the subscriber. Worthwhile for a line that every request writes.
pub fn write(line: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(line) {
        text.push(b'\n');
        LINES.add(&text);
    }
}

/// Waits until all lines are written. Called at process exit.
pub fn flush() {
    if FILTER.get().is_some() {
        LINES.flush();
    }
}

/// Parses a level or filter. A bare level applies to this program; its dependencies log from `warn`.
fn filter(level: &str) -> EnvFilter {
    let bare = !level.contains(['=', ',']);
    let directives = if bare { format!("warn,gemini_adapter={level}") } else { level.to_owned() };
    EnvFilter::builder().parse_lossy(directives)
}
