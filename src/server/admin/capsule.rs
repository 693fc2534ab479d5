//! `/admin/capsule`: a request with everything needed to reproduce it elsewhere.
//! `gemini-adapter simulate --replay FILE` then answers as Google did. Configured secrets are masked in any encoding.

use axum::extract::{Path, State};
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::requests::unknown;
use crate::error::Error;
use crate::server::App;
use crate::server::auth::Caller;
use crate::server::respond::redacted;
use crate::telemetry::{AnswerBody, AttemptBodies, Bodies};

/// The capsule of a request.
pub async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Response {
    let Some(trace) = app.services.telemetry.journal().find(&id) else { return unknown().into_response() };
    let Some(bodies) = trace.bodies() else { return not_kept().into_response() };
    let snapshot = &caller.snapshot;
    // Mask before quoting for the shell: quoting could split a secret.
    let mut body = read(&bodies.request);
    snapshot.redaction().over(&mut body);
    let attempts: Vec<Value> = bodies.attempts.values().map(attempt).collect();
    let capsule = json!({
        "capsule": 1,
        "program": concat!("gemini-adapter ", env!("CARGO_PKG_VERSION")),
        "config": snapshot.version(),
        "reproduce": reproduce(&attempts),
        "curl": curl(&bodies, &body),
        "explain": trace.seen(),
        "request": {
            "method": "POST",
            "path": bodies.arrived.path,
            "headers": bodies.arrived.headers.iter().cloned().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>(),
            "was_a_form": bodies.arrived.form,
            "body": body,
        },
        "attempts": attempts,
        "cut": bodies.cut,
    });
    let mut response = redacted(snapshot, &capsule);
    name_file(response.headers_mut(), &id);
    response
}

fn not_kept() -> Error {
    Error::not_found(
        "The content of this request was not recorded. `telemetry.capsules` sets how many requests are recorded with content; its default is 0.",
    )
    .code("capsule_not_kept")
}

fn attempt(said: &AttemptBodies) -> Value {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let response = match &said.answer {
        AnswerBody::Nothing => Value::Null,
        AnswerBody::Whole(body) => json!({ "status": 200, "headers": { "content-type": JSON }, "body": read(body) }),
        AnswerBody::Failed(status, body) => {
            json!({ "status": status, "headers": { "content-type": JSON }, "body": read(body) })
        }
        AnswerBody::Events(events) => json!({
            "status": 200,
            "headers": { "content-type": "text/event-stream" },
            "sse": events.iter().map(text).collect::<Vec<_>>(),
        }),
    };
    json!({ "model": said.model, "method": said.method, "request": read(&said.request), "response": response })
}

const JSON: &str = "application/json; charset=UTF-8";

/// A body as JSON, or as a string if it is not JSON.
fn read(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into())
}

fn reproduce(attempts: &[Value]) -> Vec<String> {
    // A key that is rejected cools down, so the next attempt needs another one.
    let keys: Vec<String> = (1..=attempts.len().max(1)).map(|number| format!("any-gemini-key-{number:06}")).collect();
    vec![
        "gemini-adapter simulate --listen 127.0.0.1:9100 --replay THIS_FILE".to_owned(),
        format!(
            "GEMINI_BASE_URL=http://127.0.0.1:9100 GEMINI_API_KEYS={} SECURITY_ADAPTER_API_KEYS=\"$CLIENT_KEY\" gemini-adapter",
            keys.join(",")
        ),
        "then the `curl`, with BASE_URL and CLIENT_KEY set".to_owned(),
    ]
}

/// The client's request as a `curl` command. None for a form, of which only the converted JSON was recorded.
fn curl(bodies: &Bodies, body: &Value) -> Option<String> {
    if bodies.arrived.form {
        return None;
    }
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut command =
        format!("curl \"$BASE_URL\"{} -H \"Authorization: Bearer $CLIENT_KEY\"", quoted(&bodies.arrived.path));
    for (name, value) in &bodies.arrived.headers {
        command.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
    }
    command
        .push_str(&format!(" --data-raw {}", quoted(&body.as_str().map_or_else(|| body.to_string(), str::to_owned))));
    Some(command)
}

fn name_file(headers: &mut HeaderMap, id: &str) {
    // An id consists of letters, digits and `-_.:`. Not every file system allows a colon in a file name.
    let name = format!("attachment; filename=\"capsule-{}.json\"", id.replace(':', "-"));
    if let Ok(value) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
}
