//! The parts of the feed, except requests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::config::generations;
use super::requests::keys_used;
use crate::runtime::Snapshot;
use crate::server::App;

/// A part of the feed.
pub struct Part {
    /// The name of its event.
    pub name: &'static str,
    /// How often, in ticks, it is checked for changes. 0 means it is sent only at the start.
    pub every: u64,
    /// Builds the part.
    pub make: fn(&App, &Snapshot) -> Value,
}

/// All parts. The page draws itself once it has received the last one.
pub const PARTS: &[Part] = &[
    part("hello", 0, hello),
    part("pools", 2, pools),
    part("metrics", 4, metrics),
    part("config", 2, config),
    part("plugins", 4, plugins),
    part("usage", 10, usage),
];

const fn part(name: &'static str, every: u64, make: fn(&App, &Snapshot) -> Value) -> Part {
    Part { name, every, make }
}

/// Masks configured secrets, since the document may contain text from clients or Google.
pub fn redacted(snapshot: &Snapshot, mut document: Value) -> Value {
    snapshot.redaction().over(&mut document);
    document
}

fn hello(app: &App, _: &Snapshot) -> Value {
    let now = app.services.clock.now();
    let started = now.wall.saturating_sub(jiff::SignedDuration::try_from(now.since_start).unwrap_or_default());
    let started = started.unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    json!({ "version": env!("CARGO_PKG_VERSION"), "now": now.wall.to_string(), "started": started })
}

fn pools(app: &App, snapshot: &Snapshot) -> Value {
    let now = app.services.clock.now();
    let pools = snapshot.pools.iter();
    let pools: BTreeMap<_, _> =
        pools.map(|(name, pool)| (name, json!({ "counts": pool.counts(now), "keys": pool.status(now) }))).collect();
    json!({ "pools": pools, "models": app.services.ledger.models(now) })
}

fn metrics(app: &App, snapshot: &Snapshot) -> Value {
    let telemetry = &app.services.telemetry;
    let tally = telemetry.tally();
    let document = json!({
        "requests": tally.counts(), "latencies": tally.latencies(), "models": tally.by_model(), "beats": telemetry.timeline().beats(),
    });
    redacted(snapshot, document)
}

fn config(app: &App, snapshot: &Snapshot) -> Value {
    json!({
        "generation": snapshot.generation, "hash": snapshot.hash, "file": snapshot.config.file,
        "included": snapshot.config.included().collect::<Vec<_>>(), "loaded_at": snapshot.loaded_at.to_string(),
        "warnings": snapshot.warnings, "refused": app.live.refused(), "history": generations(app, snapshot),
    })
}

fn plugins(_: &App, snapshot: &Snapshot) -> Value {
    json!(snapshot.plugins.list())
}

fn usage(app: &App, snapshot: &Snapshot) -> Value {
    let services = &app.services;
    redacted(snapshot, json!({ "clients": services.telemetry.tally().usage(), "keys": keys_used(&services.store) }))
}
