//! Settings of `[log]` and `[telemetry]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, Problems};

/// The log on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`; or a filter such as `info,gemini_adapter::keys=debug`.
    pub level: String,
    /// Format of a line.
    pub format: Format,
}

/// What is recorded about requests, for the dashboard and `/admin/requests`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// Number of finished requests to keep: their times, attempts and token counts, never their content.
    pub requests: usize,
    /// Number of those requests to keep with their content, for `GET /admin/capsule/{id}`: the client's body, the body
    /// sent to Google, and Google's answer. Configured secrets are masked; other sensitive content of a conversation is
    /// not. 0: none.
    pub capsules: usize,
    /// OpenTelemetry traces. If omitted, none are exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otel: Option<OtelSettings>,
}

/// OpenTelemetry traces, exported by OTLP over HTTP. Requires a build with the feature `otel`. A change needs a
/// restart.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OtelSettings {
    /// URL to send spans to, including the path. Headers that the collector requires are read from the environment
    /// variable `OTEL_EXPORTER_OTLP_HEADERS`.
    pub endpoint: String,
    /// Service name in the traces.
    pub service: String,
    /// Fraction of requests to trace, from 0 to 1. If the client sends `traceparent`, its sampling decision applies
    /// instead.
    pub ratio: f64,
}

impl Default for OtelSettings {
    fn default() -> Self {
        Self { endpoint: "http://127.0.0.1:4318/v1/traces".into(), service: "gemini-adapter".into(), ratio: 1.0 }
    }
}

impl OtelSettings {
    fn check(&self, problems: &mut Problems) {
        if cfg!(not(feature = "otel")) {
            let hint = "build it with `cargo build --release --features otel`, or remove the table";
            problems.push(Problem::error("this build cannot send traces").at("telemetry.otel").hint(hint));
        }
        if !url::Url::parse(&self.endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            let hint = "write the whole address: `http://127.0.0.1:4318/v1/traces`";
            problems.push(Problem::error("is not a collector address").at("telemetry.otel.endpoint").hint(hint));
        }
        if !(0.0..=1.0).contains(&self.ratio) {
            problems.push(Problem::error("must be between 0 and 1").at("telemetry.otel.ratio"));
        }
    }
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { requests: 200, capsules: 0, otel: None }
    }
}

impl TelemetrySettings {
    /// Checks the settings and reports problems under `telemetry`.
    pub fn check(&self, problems: &mut Problems) {
        if self.requests > 10_000 {
            problems.push(Problem::error("must be at most 10000").at("telemetry.requests"));
        }
        if self.capsules > self.requests.min(500) {
            let hint = "a capsule is kept with its request: raise `telemetry.requests`, or keep fewer capsules";
            let message = "must be at most 500, and at most `telemetry.requests`";
            problems.push(Problem::error(message).at("telemetry.capsules").hint(hint));
        }
        if let Some(otel) = &self.otel {
            otel.check(problems);
        }
    }
}

/// Format of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Readable text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// Readable text.
    Pretty,
    /// One JSON object per line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".into(), format: Format::Auto }
    }
}
