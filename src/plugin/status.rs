//! The status of plugins, for the admin API and command line.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::telemetry::Latencies;

/// The status of one plugin.
#[derive(Clone, Debug, Serialize)]
pub struct PluginStatus {
    /// Its name.
    pub name: String,
    /// Its version, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Its file.
    pub file: PathBuf,
    /// `live`, `shadow`, or `off` once it was turned off.
    pub state: &'static str,
    /// Why it was turned off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_off: Option<&'static str>,
    /// Its hooks, with their counters.
    pub hooks: Vec<HookStatus>,
}

/// The counters of one hook.
#[derive(Clone, Debug, Serialize)]
pub struct HookStatus {
    /// The name of the hook.
    pub name: &'static str,
    /// How often it was called.
    pub calls: u64,
    /// How often it failed.
    pub errors: u64,
    /// How often it failed, by kind of failure.
    #[serde(skip)]
    pub failures: Vec<(&'static str, u64)>,
    /// How often it would have changed something, in shadow mode.
    #[serde(skip_serializing_if = "is_zero")]
    pub shadowed: u64,
    /// Total operations.
    pub operations: u64,
    /// Total time spent.
    #[serde(rename = "spent_seconds", serialize_with = "seconds")]
    pub spent: Duration,
    /// Latency of a call.
    #[serde(flatten)]
    pub latencies: Latencies,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
