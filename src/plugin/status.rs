//! What people are told about plugins.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::telemetry::Latencies;

/// One plugin, for people.
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
    /// `live`, `shadow`, or `off` once its fuse has blown.
    pub state: &'static str,
    /// Why it is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_off: Option<&'static str>,
    /// Its hooks, and what they have cost.
    pub hooks: Vec<HookStatus>,
}

/// One hook of a plugin.
#[derive(Clone, Debug, Serialize)]
pub struct HookStatus {
    /// Which.
    pub name: &'static str,
    /// How often it was called.
    pub calls: u64,
    /// How often it failed.
    pub errors: u64,
    /// How often it failed in which way.
    #[serde(skip)]
    pub failures: Vec<(&'static str, u64)>,
    /// How often it would have changed something, in shadow.
    #[serde(skip_serializing_if = "is_zero")]
    pub shadowed: u64,
    /// Operations in all.
    pub operations: u64,
    /// How long it took in all.
    #[serde(rename = "spent_seconds", serialize_with = "seconds")]
    pub spent: Duration,
    /// How long a call takes.
    #[serde(flatten)]
    pub latencies: Latencies,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
