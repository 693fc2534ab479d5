//! `cachedContents`: create and update; everything else is the same for all [resources](super::resources).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::failure::{Failure, invalid};
use super::http::{State, act_on, value_of};
use super::resources::Kind;
use super::storage::ends_in;
use super::{answer, models, shape, transmit};

/// The cached contents.
pub const CACHES: Kind = Kind { name: "cachedContents", page: 1000 };
/// Minimum number of tokens of a cached content.
const LEAST: u64 = 1024;

/// `POST /v1beta/cachedContents`.
pub async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response<Body> {
    let made = act_on(&state, &headers, query.as_deref(), "cachedContents.create", &body)
        .and_then(|key| made(&body).map(|document| state.storage.put(CACHES.name, &key, document)));
    transmit::judged(made)
}

fn made(body: &[u8]) -> Result<Value, Failure> {
    let asked = shape::check("CachedContent", &parsed(body)?)?;
    let model = asked["model"].as_str().and_then(|model| model.strip_prefix("models/"));
    let Some(model) = model else { return Err(invalid("* CreateCachedContentRequest.model: model is required\n")) };
    models::check(model, "createCachedContent")?;
    let said = format!("{}{}{}", asked["contents"], asked["systemInstruction"], asked["tools"]);
    let tokens = answer::tokens(&said);
    if tokens < LEAST {
        return Err(invalid(format!(
            "Cached content is too small. total_token_count={tokens}, min_total_token_count={LEAST}"
        )));
    }
    Ok(json!({
        "model": asked["model"],
        "displayName": asked["displayName"].as_str().unwrap_or_default(),
        "expireTime": expiry(&asked)?.unwrap_or_else(|| ends_in(3600)),
        "usageMetadata": { "totalTokenCount": tokens }
    }))
}

/// Returns the expiry time, if the request sets it in one of the two ways.
fn expiry(asked: &Value) -> Result<Option<String>, Failure> {
    if let Some(ttl) = asked.get("ttl") {
        let seconds = ttl.as_str().and_then(|ttl| ttl.strip_suffix('s')?.parse::<f64>().ok());
        let seconds = seconds.filter(|seconds| *seconds > 0.0).ok_or_else(|| invalid("Invalid value at 'ttl'"))?;
        return Ok(Some(ends_in(seconds as i64)));
    }
    Ok(asked["expireTime"].as_str().map(str::to_owned))
}

/// `PATCH /v1beta/cachedContents/{id}`: only the expiry can be changed.
pub async fn patch(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let name = format!("{}/{id}", CACHES.name);
    let prolonged = act_on(&state, &headers, query.as_deref(), "cachedContents.patch", &body).and_then(|key| {
        let asked = shape::check("CachedContent", &parsed(&body)?)?;
        let mask = value_of(query.as_deref(), "updateMask").unwrap_or("ttl");
        if !["ttl", "expireTime", "expire_time"].contains(&mask) {
            return Err(invalid("Only ttl and expire_time can be updated."));
        }
        let mut document = state.storage.get(&name, &key)?;
        let Some(expiry) = expiry(&asked)? else { return Err(invalid("One of ttl and expire_time must be set.")) };
        document["expireTime"] = json!(expiry);
        state.storage.replace(&name, &key, document)
    });
    transmit::judged(prolonged)
}

fn parsed(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| invalid(format!("Invalid JSON payload received. {error}")))
}
