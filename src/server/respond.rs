//! Answers and errors as HTTP responses. The only code that turns an [`Error`] into a status line.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::allowance::Allowance;
use crate::error::Error;
use crate::pipeline::{Answer, Cached, Content, Why};
use crate::protocol::Family;
use crate::runtime::Snapshot;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Response header: what the answer cache did with the request.
pub const CACHE: HeaderName = HeaderName::from_static("x-gemini-adapter-cache");

/// Attaches the error to an empty response. `family::render_error` renders it once the client's family is known.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self);
        response
    }
}

/// Renders an error in a family's format.
pub fn error(error: &Error, family: &dyn Family, request_id: &str) -> Response {
    let status = StatusCode::from_u16(family.status(error)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, family.error(error, request_id).into());
    let headers = response.headers_mut();
    if let Some(rest) = error.retry_after {
        retry_after(headers, rest);
        if error.status == 429 {
            nothing_left(headers, rest);
        }
    }
    if let Some(should_retry) = error.should_retry {
        let value = if should_retry { "true" } else { "false" };
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static(value));
    }
    response
}

/// Sets OpenAI's rate limit headers: nothing remains until the cooldown is over.
fn nothing_left(headers: &mut HeaderMap, rest: Duration) {
    headers.insert(HeaderName::from_static("x-ratelimit-remaining-requests"), HeaderValue::from_static("0"));
    if let Ok(value) = HeaderValue::from_str(&format!("{:.3}s", rest.as_secs_f64())) {
        headers.insert(HeaderName::from_static("x-ratelimit-reset-requests"), value);
    }
}

/// `Retry-After` in whole seconds, rounded up so that no client retries too early, and `retry-after-ms` for OpenAI's
/// SDKs.
fn retry_after(headers: &mut HeaderMap, rest: Duration) {
    let seconds = rest.as_secs() + u64::from(rest.subsec_nanos() > 0);
    headers.insert(RETRY_AFTER, seconds.into());
    if let Ok(value) = HeaderValue::from_str(&rest.as_millis().to_string()) {
        headers.insert(HeaderName::from_static("retry-after-ms"), value);
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.content {
            Content::Whole(body) => Response::new(Body::from(body)),
            Content::Stream(stream) => {
                let mut response = Response::new(Body::from_stream(stream));
                let headers = response.headers_mut();
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                // Otherwise nginx buffers events.
                headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
                response
            }
        };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if let Some(losses) = self.losses.as_deref().and_then(header_text) {
            response.headers_mut().insert(HeaderName::from_static("x-gemini-adapter-losses"), losses);
        }
        response
    }
}

/// Sets the headers that explain which attempt, model and key produced the answer.
pub fn set_why(headers: &mut HeaderMap, why: &Why) {
    headers.insert(HeaderName::from_static("x-gemini-adapter-attempts"), why.attempts.into());
    for (name, text) in [("x-gemini-adapter-model", &why.model), ("x-gemini-adapter-key", &why.key)] {
        if let Some(value) = header_text(text).filter(|_| !text.is_empty()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Sets the cache result and the age of a cached answer.
pub fn set_cache_status(headers: &mut HeaderMap, cached: Cached) {
    headers.insert(CACHE, HeaderValue::from_static(cached.result));
    if let Some(age) = cached.age {
        headers.insert(AGE, age.into());
    }
}

/// Sets the client's remaining allowance, in its vendor's headers.
pub fn set_allowance(headers: &mut HeaderMap, family: &dyn Family, allowance: &Allowance) {
    for (name, value) in family.allowance(allowance) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Text as a header value. It may contain text from the client, so characters that a header cannot hold are replaced
/// and the length is limited.
fn header_text(text: &str) -> Option<HeaderValue> {
    let mut shown: String = text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    if shown.len() > 1000 {
        shown.truncate(997);
        shown.push_str("...");
    }
    HeaderValue::from_str(&shown).ok()
}

/// A JSON response.
pub fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A document that may contain text from clients or Google: configured secrets are masked.
pub fn redacted(snapshot: &Snapshot, value: &impl serde::Serialize) -> Response {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    snapshot.redaction().over(&mut value);
    document(StatusCode::OK, &value)
}

/// A value as a JSON document with `no-store`.
pub fn document(status: StatusCode, value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec_pretty(value) {
        Ok(body) => {
            let mut response = json(status, body.into());
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => Error::internal(format!("the document could not be written: {error}")).into_response(),
    }
}
