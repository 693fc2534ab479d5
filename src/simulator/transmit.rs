//! Sends answers: as one document, as events or as an array, with every failure that can occur on the wire.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::answer::{Answer, tokens};
use super::arrivals::OpenStream;
use super::failure::Failure;
use super::http::State;
use super::scenario::{Kind, Scenario, Send};

/// The metadata of an answer.
pub struct About<'a> {
    pub model: &'a str,
    pub prompt_tokens: u64,
    pub response_id: String,
}

/// How the events of a stream are sent.
struct Plan {
    /// The bytes to send; before each except the first, `gap` passes.
    pieces: std::vec::IntoIter<Bytes>,
    gap: Duration,
    end: End,
    first: bool,
    open: OpenStream,
}

/// What happens after the last event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The stream ends.
    Close,
    /// Nothing more is sent.
    Stall,
    /// The connection breaks.
    Reset,
}

/// Returns an error as Google sends it. The body is plain JSON even for a streaming call.
pub fn failed(failure: &Failure, streaming: bool, page: bool) -> Response<Body> {
    let text = match &failure.body {
        Value::String(text) => text.clone(),
        body => serde_json::to_string_pretty(body).unwrap_or_default() + "\n",
    };
    let kind = match (page, streaming) {
        (true, _) => "text/html; charset=UTF-8",
        (false, true) => "text/event-stream",
        (false, false) => "application/json; charset=UTF-8",
    };
    response(failure.status, kind, Body::from(text))
}

/// Returns a JSON document.
pub fn document(value: &Value) -> Response<Body> {
    response(200, "application/json; charset=UTF-8", Body::from(value.to_string()))
}

/// Returns a JSON document, or the error.
pub fn judged(document: Result<Value, Failure>) -> Response<Body> {
    document.map_or_else(|failure| failed(&failure, false, false), |found| self::document(&found))
}

/// Returns a whole answer.
pub async fn whole(answer: &Answer, about: &About<'_>, scenario: Option<&Scenario>) -> Response<Body> {
    let mut parts: Vec<Value> = Vec::new();
    for part in answer.pieces.iter().flatten().filter(|part| part["text"] != "") {
        join(&mut parts, part);
    }
    let mut text = event(&parts, answer, about, true, spoken(&answer.pieces)).to_string();
    match scenario.map(|scenario| (scenario.kind, scenario)) {
        Some((Kind::Send(Send::Slow), scenario)) => sleep(scenario.milliseconds("delay_ms", 200)).await,
        Some((Kind::Send(Send::Stall), _)) => std::future::pending().await,
        Some((Kind::Send(Send::Html), _)) => return page(),
        Some((Kind::Send(Send::Empty200), _)) => text.clear(),
        Some((Kind::Send(Send::Garbage), _)) => text = "!!! no JSON".into(),
        Some((Kind::Send(Send::Truncated | Send::Eof), _)) => text.truncate(text.len() / 2),
        Some((Kind::Send(Send::MidError | Send::MidErrorBare), _)) => text = overloaded().to_string(),
        Some((Kind::Send(Send::Reset), _)) => return broken(text),
        _ => {}
    }
    response(200, "application/json; charset=UTF-8", Body::from(text))
}

/// Adds a part. A whole answer has a text in one part, where a stream has it in pieces.
fn join(parts: &mut Vec<Value>, part: &Value) {
    let is_text = |part: &Value| part.as_object().is_some_and(|part| part.len() == 1 && part.contains_key("text"));
    match parts.last_mut() {
        Some(last) if is_text(last) && is_text(part) => {
            if let (Value::String(said), Some(text)) = (&mut last["text"], part["text"].as_str()) {
                said.push_str(text);
            }
        }
        _ => parts.push(part.clone()),
    }
}

/// Returns an answer as events, or as one JSON array that is sent in pieces.
pub fn stream(
    state: Arc<State>,
    answer: &Answer,
    about: &About<'_>,
    scenario: Option<&Scenario>,
    sse: bool,
) -> Response<Body> {
    let mut events = events(answer, about);
    let number = |key: &str, default: u64| scenario.map_or(default, |scenario| scenario.number(key, default));
    let send = scenario.and_then(|scenario| match scenario.kind {
        Kind::Send(send) => Some(send),
        _ => None,
    });
    let after = usize::try_from(number("after", 1)).unwrap_or(1);
    let mut tail = None;
    let mut end = End::Close;
    match send {
        Some(Send::Html) => return page(),
        Some(Send::Empty200) => events.clear(),
        Some(Send::Garbage) => (events, tail) = (Vec::new(), Some("data: !!! no JSON\r\n\r\n".to_owned())),
        Some(Send::Stall) => end = End::Stall,
        Some(Send::Reset) => end = End::Reset,
        Some(Send::MidError) => tail = Some(format!("data: {}\r\n\r\n", overloaded())),
        Some(Send::MidErrorBare) => tail = Some(serde_json::to_string_pretty(&overloaded()).unwrap_or_default() + "\n"),
        Some(Send::Truncated) => tail = Some("data: {\"candidates\": [{\"content\": {\"par".to_owned()),
        _ => {}
    }
    if matches!(
        send,
        Some(Send::Stall | Send::Reset | Send::Eof | Send::MidError | Send::MidErrorBare | Send::Truncated)
    ) {
        // The event with the finish reason is never sent.
        events.truncate(after.min(events.len().saturating_sub(1)));
    }
    let gap = match send {
        Some(Send::Slow) => Duration::from_millis(number("delay_ms", 200)),
        _ => Duration::from_millis(number("gap_ms", 0)),
    };
    let mut pieces = if sse { framed(&events) } else { listed(&events) };
    pieces.extend(tail.map(Bytes::from));
    if send == Some(Send::Split) {
        pieces = cut(&pieces, usize::try_from(number("size", 7)).unwrap_or(7));
    }
    let plan =
        Plan { pieces: pieces.into_iter(), gap, end, first: send != Some(Send::Slow), open: OpenStream::new(state) };
    let kind = if sse { "text/event-stream" } else { "application/json; charset=UTF-8" };
    response(200, kind, Body::from_stream(unfold(plan, next)))
}

async fn next(mut plan: Plan) -> Option<(io::Result<Bytes>, Plan)> {
    match plan.pieces.next() {
        Some(piece) => {
            if !plan.gap.is_zero() && !std::mem::replace(&mut plan.first, false) {
                sleep(plan.gap).await;
            }
            Some((Ok(piece), plan))
        }
        None if plan.end == End::Stall => std::future::pending().await,
        None if plan.end == End::Reset => {
            plan.end = End::Close;
            plan.open.finished();
            // Lets the bytes sent so far reach the client first.
            tokio::task::yield_now().await;
            sleep(Duration::from_millis(20)).await;
            Some((Err(io::ErrorKind::ConnectionReset.into()), plan))
        }
        None => {
            plan.open.finished();
            None
        }
    }
}

/// Returns the events of an answer. The last one has the finish reason.
fn events(answer: &Answer, about: &About<'_>) -> Vec<Value> {
    let last = answer.pieces.len().saturating_sub(1);
    let mut events: Vec<Value> = Vec::new();
    let mut said = 0;
    for (index, parts) in answer.pieces.iter().enumerate() {
        said += spoken(std::slice::from_ref(parts));
        let stops = index == last || answer.early_stop == Some(index);
        events.push(event(parts, answer, about, stops, said));
    }
    if events.is_empty() {
        events.push(event(&[], answer, about, true, 0));
    }
    events
}

fn event(parts: &[Value], answer: &Answer, about: &About<'_>, stops: bool, said: u64) -> Value {
    let mut usage = json!({ "promptTokenCount": about.prompt_tokens, "serviceTier": "standard" });
    let mut total = about.prompt_tokens;
    for (name, count) in [("candidatesTokenCount", said), ("thoughtsTokenCount", answer.thoughts)] {
        if count > 0 {
            usage[name] = json!(count);
            total += count;
        }
    }
    usage["totalTokenCount"] = json!(total);
    let end = json!({ "usageMetadata": usage, "modelVersion": about.model, "responseId": about.response_id });
    let Some(finish) = answer.finish else {
        return merged(json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" } }), end);
    };
    let mut content = json!({ "role": "model" });
    if !parts.is_empty() {
        content = json!({ "parts": parts, "role": "model" });
    }
    let mut candidate = json!({ "content": content });
    if stops {
        candidate["finishReason"] = json!(finish);
        if let Some(message) = answer.finish_message {
            candidate["finishMessage"] = json!(message);
        }
        if let Some(grounding) = &answer.grounding {
            candidate["groundingMetadata"] = grounding.clone();
        }
    }
    candidate["index"] = json!(0);
    merged(json!({ "candidates": [candidate] }), end)
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

fn spoken(pieces: &[Vec<Value>]) -> u64 {
    let visible = pieces.iter().flatten().filter(|part| part["thought"] != true);
    visible.map(|part| if part["text"] == "" { 0 } else { tokens(&part.to_string()) / 3 + 1 }).sum()
}

fn framed(events: &[Value]) -> Vec<Bytes> {
    events.iter().map(|event| format!("data: {event}\r\n\r\n").into()).collect()
}

fn listed(events: &[Value]) -> Vec<Bytes> {
    let pretty = |event: &Value| serde_json::to_string_pretty(event).unwrap_or_default();
    let mut pieces: Vec<Bytes> = events
        .iter()
        .enumerate()
        .map(|(index, event)| format!("{}{}\n", if index == 0 { "[" } else { ",\r\n" }, pretty(event)).into())
        .collect();
    pieces.push(if pieces.is_empty() { "[]\n".into() } else { "]\n".into() });
    pieces
}

fn cut(pieces: &[Bytes], size: usize) -> Vec<Bytes> {
    pieces.concat().chunks(size.max(1)).map(Bytes::copy_from_slice).collect()
}

fn overloaded() -> Value {
    json!({ "error": { "code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE" } })
}

fn page() -> Response<Body> {
    response(200, "text/html; charset=UTF-8", Body::from("<html><body>Welcome</body></html>"))
}

/// Sends the first bytes of an answer, then breaks the connection.
fn broken(text: String) -> Response<Body> {
    let half = Bytes::from(text).slice(..10);
    let pieces = futures_util::stream::iter([Ok(half), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    response(200, "application/json; charset=UTF-8", Body::from_stream(pieces))
}

fn response(status: u16, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(HeaderName::from_static("server"), HeaderValue::from_static("scaffolding on HTTPServer2"));
    headers.insert(HeaderName::from_static("x-gemini-service-tier"), HeaderValue::from_static("standard"));
    response
}

/// Returns recorded bytes unchanged.
pub fn recorded(status: u16, kind: &str, body: Bytes) -> Response<Body> {
    let stream = futures_util::stream::iter([Ok::<_, Infallible>(body)]);
    let mut answer = response(status, "application/json", Body::from_stream(stream));
    if let Ok(kind) = HeaderValue::from_str(kind) {
        answer.headers_mut().insert(CONTENT_TYPE, kind);
    }
    answer
}
