//! The simulated models, as Google lists them, and the methods they support.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};

use super::arrivals::Arrival;
use super::failure::{Failure, unknown_model, unsupported};
use super::http::{State, key_of, value_of};
use super::{keys, transmit};

const CHAT: &[&str] = &["generateContent", "countTokens", "createCachedContent"];
const MEDIA: &[&str] = &["generateContent", "countTokens"];
const VECTORS: &[&str] = &["embedContent", "countTokens"];
const IMAGEN: &[&str] = &["predict"];

/// Models with the methods they support.
const MODELS: &[(&str, &[&str])] = &[
    ("gemini-2.0-flash", CHAT),
    ("gemini-2.5-flash", CHAT),
    ("gemini-2.5-flash-image", MEDIA),
    ("gemini-2.5-flash-lite", CHAT),
    ("gemini-2.5-flash-preview-tts", MEDIA),
    ("gemini-2.5-pro", CHAT),
    ("gemini-3-flash-preview", CHAT),
    ("gemini-3-pro-image", MEDIA),
    ("gemini-3.1-flash-image", MEDIA),
    ("gemini-3.1-flash-lite", CHAT),
    ("gemini-3.1-pro-preview", CHAT),
    ("gemini-3.5-flash", CHAT),
    ("gemini-3.6-flash", CHAT),
    ("gemini-3.8-flash", CHAT),
    ("gemini-3.8-flash-tts", MEDIA),
    ("gemini-embedding-001", VECTORS),
    ("gemini-embedding-2", VECTORS),
    ("gemini-flash-latest", CHAT),
    ("gemini-flash-lite-latest", CHAT),
    ("gemini-pro-latest", CHAT),
    ("gemma-4-31b-it", CHAT),
    ("imagen-4.0-generate-001", IMAGEN),
];

/// Checks that the model supports the method.
pub fn check(model: &str, method: &str) -> Result<(), Failure> {
    let group = match method {
        "streamGenerateContent" => "generateContent",
        "batchEmbedContents" => "embedContent",
        other => other,
    };
    let known = MODELS.iter().any(|(name, methods)| *name == model && methods.contains(&group));
    if known { Ok(()) } else { Err(unsupported(model, method)) }
}

fn listed(model: &str, methods: &[&str]) -> Value {
    json!({
        "name": format!("models/{model}"),
        "displayName": model,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods
    })
}

/// `GET /v1beta/models`.
pub async fn list(Shared(state): Shared<Arc<State>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response<Body> {
    let key = match keys::check(key_of(&headers), query.as_deref(), "") {
        Ok(key) => key,
        // Listing uses no quota.
        Err(failure) if failure.status == 429 => key_of(&headers).unwrap_or_default().to_owned(),
        Err(failure) => return transmit::failed(&failure, false, false),
    };
    state.arrivals.add(Arrival::of(&key, "", "models"));
    let size = value_of(query.as_deref(), "pageSize").and_then(|size| size.parse().ok());
    let size = size.unwrap_or(50usize).clamp(1, 1000);
    let start: usize = value_of(query.as_deref(), "pageToken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let page: Vec<Value> = MODELS.iter().skip(start).take(size).map(|(name, methods)| listed(name, methods)).collect();
    let mut answer = json!({ "models": page });
    if start + size < MODELS.len() {
        answer["nextPageToken"] = json!((start + size).to_string());
    }
    transmit::document(&answer)
}

/// `GET /v1beta/models/{model}`.
pub async fn one(headers: HeaderMap, RawQuery(query): RawQuery, Path(model): Path<String>) -> Response<Body> {
    if let Err(failure) = keys::check(key_of(&headers), query.as_deref(), &model) {
        return transmit::failed(&failure, false, false);
    }
    match MODELS.iter().find(|(name, _)| *name == model) {
        Some((name, methods)) => transmit::document(&listed(name, methods)),
        None => transmit::failed(&unknown_model(&model), false, false),
    }
}
