//! Settings of `[log]` and of `[telemetry]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Problems};

/// What is written to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`; or a filter such as `info,gemini_adapter::keys=debug`.
    pub level: String,
    /// How a line looks.
    pub format: Format,
}

/// What is kept of requests, for the dashboard and `/admin/requests`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// How many requests that are over are kept: their times, attempts and tokens, never what they say.
    pub requests: usize,
    /// How many of them are kept with what they say, for `GET /admin/capsule/{id}`: the client's body, the one that went to Google, and what
    /// Google answered. Configured secrets are masked in it; what else a conversation holds is not. 0: none.
    pub capsules: usize,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { requests: 200, capsules: 0 }
    }
}

impl TelemetrySettings {
    /// Checks them; problems are at `telemetry…`.
    pub fn check(&self, problems: &mut Problems) {
        if self.requests > 10_000 {
            problems.push(Problem::error("must be at most 10000").at("telemetry.requests"));
        }
        if self.capsules > self.requests.min(500) {
            let hint = "a capsule is kept with its request: raise `telemetry.requests`, or keep fewer capsules";
            let message = "must be at most 500, and at most `telemetry.requests`";
            problems.push(Problem::error(message).at("telemetry.capsules").hint(hint));
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".into(), format: Format::Auto }
    }
}
