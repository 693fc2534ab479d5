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
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// How many requests that are over are kept: their times, attempts and tokens, never what they say.
    pub requests: usize,
    /// How many of them are kept with what they say, for `GET /admin/capsule/{id}`: the client's body, the one that went to Google, and what
    /// Google answered. Configured secrets are masked in it; what else a conversation holds is not. 0: none.
    pub capsules: usize,
    /// Traces for OpenTelemetry. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otel: Option<OtelSettings>,
}

/// Traces for OpenTelemetry, by OTLP over HTTP; in builds with the feature `otel`. A change needs a restart.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OtelSettings {
    /// Where spans are sent to, path and all. Headers that a collector wants are read from the process's variable
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    pub endpoint: String,
    /// What this server is called there.
    pub service: String,
    /// Which part of the requests is told of, from 0 to 1; of those whose client says so in `traceparent`, the client decides.
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
            let hint = "build it with `cargo build --release --features otel`, or take the table out";
            problems.push(Problem::error("this build has no traces").at("telemetry.otel").hint(hint));
        }
        if !url::Url::parse(&self.endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            let hint = "write the whole address: `http://127.0.0.1:4318/v1/traces`";
            problems.push(Problem::error("is no address of a collector").at("telemetry.otel.endpoint").hint(hint));
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
        if let Some(otel) = &self.otel {
            otel.check(problems);
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
