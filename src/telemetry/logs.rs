//! The log: to standard error, for people on a terminal, else one JSON object a line. The level follows the configuration.

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

/// Begins to log, or, when it has begun, changes the level. A change of format needs a restart.
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

/// Whether lines are JSON, so that one may be [written](write) as it is.
pub fn are_json() -> bool {
    JSON.get().is_some()
}

/// Writes a line that is JSON already, among those of the subscriber: one that is written for each request is worth it.
pub fn write(line: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(line) {
        text.push(b'\n');
        LINES.add(&text);
    }
}

/// Waits until all lines are written. For the end of the process.
pub fn flush() {
    if FILTER.get().is_some() {
        LINES.flush();
    }
}

/// The filter of a level. A bare level is about this program; its libraries speak up from `warn` on.
fn filter(level: &str) -> EnvFilter {
    let bare = !level.contains(['=', ',']);
    let directives = if bare { format!("warn,gemini_adapter={level}") } else { level.to_owned() };
    EnvFilter::builder().parse_lossy(directives)
}
