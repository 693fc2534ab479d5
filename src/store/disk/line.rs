//! A breaker state as a line of JSON. An older program ignores fields that a newer one adds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::Kind;
use crate::store::{BreakerState, Scope};

#[derive(Deserialize, Serialize)]
#[serde(default)]
#[derive(Default)]
struct Line {
    epoch: u64,
    strikes: u32,
    /// Unix time in milliseconds.
    until: Option<i64>,
    dead: bool,
    disabled: bool,
    why: Option<String>,
    quota_id: Option<String>,
}

/// Writes a breaker state.
pub fn write(standing: &BreakerState) -> Vec<u8> {
    let line = Line {
        epoch: standing.epoch,
        strikes: standing.strikes,
        until: standing.until.map(Timestamp::as_millisecond),
        dead: standing.dead,
        disabled: standing.disabled,
        why: standing.why.map(|why| why.name().to_owned()),
        quota_id: standing.quota_id.clone(),
    };
    serde_json::to_vec(&line).unwrap_or_default()
}

/// Reads a breaker state; None if the line is not valid.
pub fn read(scope: Scope, line: &[u8]) -> Option<BreakerState> {
    let line: Line = serde_json::from_slice(line).ok()?;
    Some(BreakerState {
        scope,
        epoch: line.epoch,
        strikes: line.strikes,
        until: line.until.and_then(|until| Timestamp::from_millisecond(until).ok()),
        dead: line.dead,
        disabled: line.disabled,
        why: line.why.as_deref().and_then(Kind::named),
        quota_id: line.quota_id,
    })
}
