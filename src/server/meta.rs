//! Endpoints about the server itself: what it is, its health, its statistics.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::App;
use super::auth::Caller;
use super::endpoints;
use super::respond::document;
use crate::cache::CacheStatus;
use crate::error::Error;
use crate::keys::Counts;
use crate::model::ModelName;
use crate::telemetry::CacheCounts;

/// `GET /`: name, version and endpoints.
pub async fn info() -> Response {
    let endpoints: Vec<Value> = endpoints::all()
        .iter()
        .map(|row| json!({ "method": row.method, "path": row.path, "needs": row.needs.name(), "about": row.about }))
        .collect();
    document(
        StatusCode::OK,
        &json!({ "name": "gemini-adapter", "version": env!("CARGO_PKG_VERSION"), "endpoints": endpoints }),
    )
}

/// `GET /health`: how many keys can serve. 503 when none can.
pub async fn health(State(app): State<App>) -> Response {
    let pools = counts(&app);
    let keys = pools.values().fold(Counts::default(), |sum, counts| sum.plus(counts));
    let healthy = keys.usable > 0;
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if healthy { "ok" } else { "no_usable_key" };
    document(status, &json!({ "status": word, "keys": keys, "pools": pools }))
}

/// `POST /v1/moderations`: always an error. Gemini judges its own prompts and answers and has no moderation model.
pub async fn no_moderations() -> Response {
    let message = "Moderations are not supported: Gemini has no moderation model. The answer to a request reports what Gemini blocks, as a refusal or `content_filter`.";
    Error::not_found(message).code("unsupported_endpoint").into_response()
}

/// `GET /livez`: whether the process is alive.
pub async fn livez() -> &'static str {
    "ok"
}

/// `GET /readyz`: whether the server accepts requests. It does not while it is stopping or has no usable key.
pub async fn readyz(State(app): State<App>) -> Response {
    if app.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response();
    }
    if counts(&app).values().all(|counts| counts.usable == 0) {
        return (StatusCode::SERVICE_UNAVAILABLE, "no usable key").into_response();
    }
    (StatusCode::OK, "ok").into_response()
}

/// The answer cache, in `/stats`.
#[derive(Serialize)]
struct Cache {
    #[serde(flatten)]
    status: CacheStatus,
    #[serde(flatten)]
    counts: CacheCounts,
}

/// `GET /stats`: statistics of this process and the state of each key.
pub async fn stats(State(app): State<App>, caller: Caller) -> Response {
    let now = app.services.clock.now();
    let snapshot = caller.snapshot;
    let pools: BTreeMap<_, _> = snapshot
        .pools
        .iter()
        .map(|(name, pool)| (name, json!({ "counts": pool.counts(now), "keys": pool.status(now) })))
        .collect();
    let tally = app.services.telemetry.tally();
    let stats = json!({
        "uptime_seconds": now.since_start.as_secs(),
        "config": { "generation": snapshot.generation, "hash": snapshot.hash },
        "requests": tally.counts(),
        "latencies": tally.latencies(),
        "cache": Cache { status: app.services.answers.status(), counts: app.services.telemetry.kept().counts() },
        "clients": snapshot.clients.status(now),
        "pools": pools,
        "usage": app.services.store.usage(),
        "store": app.services.store.status(),
        "plugins": snapshot.plugins.list(),
    });
    document(StatusCode::OK, &stats)
}

/// `GET /metrics`: Prometheus metrics. Gauges that describe the current state are set here.
pub async fn metrics(State(app): State<App>, caller: Caller) -> Response {
    let telemetry = &app.services.telemetry;
    for (pool, counts) in counts(&app) {
        telemetry.pool_keys(&pool, counts.states());
    }
    let now = app.services.clock.now();
    let models: Vec<ModelName> = telemetry.labels().all().iter().filter_map(|model| ModelName::parse(model)).collect();
    for (name, pool) in &caller.snapshot.pools {
        for model in &models {
            telemetry.pool_model_keys(name, model.as_str(), pool.counts_for(model, now).states());
        }
    }
    if let Some(certificate) = &caller.snapshot.certificate {
        telemetry.certificate(certificate.not_after);
    }
    for plugin in caller.snapshot.plugins.list() {
        telemetry.plugin_state(&plugin.name, plugin.state);
        for hook in &plugin.hooks {
            telemetry.plugin(&plugin.name, hook.name, hook.calls, &hook.failures);
        }
    }
    let cache = app.services.answers.status();
    if cache.enabled {
        telemetry.cache_size(cache.entries, cache.bytes);
    }
    let store = app.services.store.status();
    if let Some(disk) = store.disk {
        telemetry.store_disk(disk.is_open(), disk.unwritten, disk.failures);
    }
    if let Some(redis) = store.redis {
        telemetry.store_redis(redis.is_shared(), redis.nodes, [redis.answered, redis.failed, redis.dropped]);
    }
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, text)], telemetry.exposition()).into_response()
}

fn counts(app: &App) -> BTreeMap<String, Counts> {
    let now = app.services.clock.now();
    let snapshot = app.live.snapshot();
    snapshot.pools.iter().map(|(name, pool)| (name.clone(), pool.counts(now))).collect()
}
