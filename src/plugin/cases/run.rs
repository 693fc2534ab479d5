//! Runs one test case: calls the hooks for which it provides input, in the order in which they occur during a
//! request.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Case;
use super::expect::Expected;
use crate::error::Error;
use crate::fault::{Blame, Fault, Kind};
use crate::plugin::{AfterFailure, Plugins, Reply, RouteView, Session, SessionFacts, Verdict};
use crate::telemetry::{RequestSummary, Tags};

/// Runs a case and returns what went wrong, if anything.
pub fn run(plugins: &Plugins, case: &Case) -> Option<String> {
    let mut expected = Expected::new(&case.expect);
    for earlier in &case.before {
        // The outcome of an earlier request is not checked.
        let _ = requests(&session(plugins, earlier), earlier, &mut Expected::unchecked());
    }
    let session = session(plugins, case);
    let told = requests(&session, case, &mut expected).and_then(|()| answers(plugins, &session, case, &mut expected));
    if let Err(error) = told {
        expected.see("rejected", &json!({ "status": error.status, "code": error.code, "message": error.message }));
    }
    if let Some(why) = plugins.last_failure() {
        expected.see("fails", &json!(why));
    }
    expected.verdict()
}

fn session(plugins: &Plugins, case: &Case) -> Session {
    plugins.session(|| SessionFacts {
        id: "test".into(),
        api: known(&case.api),
        path: known(&case.path),
        model: case.model.clone(),
        client: case.client.clone(),
        headers: case.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
    })
}

/// Converts the name of a protocol or an endpoint to the program's own `'static` string.
fn known(word: &str) -> &'static str {
    const WORDS: &[&str] = &[
        "chat",
        "responses",
        "messages",
        "native",
        "embeddings",
        "models",
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/embeddings",
        "/v1/models",
    ];
    WORDS.iter().find(|known| **known == word).copied().unwrap_or("other")
}

fn requests(session: &Session, case: &Case, expected: &mut Expected<'_>) -> Result<(), Error> {
    if let Some(request) = &case.request {
        let body = Bytes::from(request.to_string());
        match session.on_request(body.clone())? {
            Verdict::Continue(edited) => expected.see_body("request", &body, &edited),
            Verdict::Reply(Reply { text, document, .. }) => expected.see("reply", &document.unwrap_or(json!(text))),
        }
    }
    if case.model.is_some() {
        expected.see("model", &json!(session.renamed().or(case.model.clone())));
    }
    if let Some(route) = &case.route {
        let text = |name: &str, other: &str| route.get(name).and_then(Value::as_str).unwrap_or(other).to_owned();
        let model = text("model", "gemini-2.5-flash");
        let fallback = Vec::new();
        let mut view = RouteView { asked: text("asked", &model), pool: text("pool", "default"), fallback, model };
        session.on_route(&mut view)?;
        expected.see(
            "route",
            &json!({ "asked": view.asked, "model": view.model, "fallback": view.fallback, "pool": view.pool }),
        );
    }
    if let Some(up) = &case.up {
        let body = Bytes::from(up.to_string());
        let edited = session.on_upstream_request(1, body.clone())?;
        expected.see_body("up", &body, &edited);
    }
    if let Some(failure) = &case.failure {
        let wanted = match session.on_upstream_error(&fault(failure))? {
            None => json!("default"),
            Some(AfterFailure::Retry) => json!("retry"),
            Some(AfterFailure::Fail) => json!("fail"),
            Some(AfterFailure::CoolDown(rest)) => json!(format!("cool_down {}", rest.as_secs())),
        };
        expected.see("failure", &wanted);
    }
    Ok(())
}

fn fault(given: &Map<String, Value>) -> Fault {
    const KINDS: &[Kind] = &[
        Kind::RateLimited,
        Kind::DayQuota,
        Kind::Overloaded,
        Kind::UpstreamError,
        Kind::Timeout,
        Kind::Unreachable,
        Kind::BadRequest,
        Kind::ModelNotFound,
        Kind::KeyInvalid,
        Kind::BrokenAnswer,
    ];
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.name() == text("kind")).copied().unwrap_or(Kind::Unknown);
    let mut fault = Fault::new(kind, Blame::Model, text("message"));
    fault.status = given.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    fault.retry_after = given.get("retry_after").and_then(Value::as_f64).map(Duration::from_secs_f64);
    fault
}

fn answers(plugins: &Plugins, session: &Session, case: &Case, expected: &mut Expected<'_>) -> Result<(), Error> {
    spoken(plugins, session, case, expected)?;
    if let Some(chunks) = &case.chunks {
        let mut out = Vec::new();
        for chunk in chunks {
            let event = session.on_chunk(Bytes::from(chunk.to_string()))?;
            out.extend(event.and_then(|event| serde_json::from_slice::<Value>(&event).ok()));
        }
        expected.see("chunks", &Value::Array(out));
    }
    if let Some(answer) = &case.answer {
        let body = Bytes::from(answer.to_string());
        let edited = session.on_upstream_response(Some(body.clone()))?.unwrap_or_default();
        expected.see_body("answer", &body, &edited);
    }
    if let Some(response) = &case.response {
        let body = Bytes::from(response.to_string());
        let edited = session.on_response(body.clone())?;
        expected.see_body("response", &body, &edited);
    }
    if let Some(error) = &case.error {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let status = error.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
        let mut told = Error::by_plugin(status.unwrap_or(500), Some(text("code")), text("message"));
        session.on_error(&mut told);
        expected.see("error", &json!({ "status": told.status, "code": told.code, "message": told.message }));
    }
    if let Some(models) = &case.models {
        let models = session.on_models(models.clone())?;
        expected.see("models", &Value::Array(models));
    }
    if let Some(log) = &case.log {
        expected.see("log", &Value::Object(session.tags(&ended(case, log))));
    }
    Ok(())
}

fn ended(case: &Case, log: &Map<String, Value>) -> RequestSummary {
    let number = |name: &str| log.get(name).and_then(Value::as_u64).unwrap_or(0);
    let text = |name: &str| log.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    RequestSummary {
        request_id: "test".into(),
        client: case.client.clone(),
        asked: text("asked"),
        model: text("model"),
        pool: text("pool"),
        attempts: 1,
        status: u16::try_from(number("status")).ok().filter(|status| *status > 0).unwrap_or(200),
        duration_ms: number("duration_ms"),
        prompt_tokens: number("prompt_tokens"),
        completion_tokens: number("completion_tokens"),
        ..RequestSummary::default()
    }
}

/// Checks the model's output both as a stream and as a whole answer: both must give the same result.
fn spoken(plugins: &Plugins, session: &Session, case: &Case, expected: &mut Expected<'_>) -> Result<(), Error> {
    let mut parts: Vec<Value> = Vec::new();
    for text in case.reasoning.iter().flat_map(super::Pieces::list) {
        parts.push(json!({ "text": text, "thought": true }));
    }
    parts.extend(case.text.iter().flat_map(super::Pieces::list).map(|text| json!({ "text": text })));
    if let Some(arguments) = &case.arguments {
        parts.push(json!({ "functionCall": { "name": "tool", "args": arguments } }));
    }
    if parts.is_empty() {
        return Ok(());
    }
    // The whole answer goes through a separate session that has seen the same request.
    let other = self::session(plugins, case);
    let mut nothing = Expected::unchecked();
    requests(&other, case, &mut nothing)?;
    let whole =
        json!({ "candidates": [{ "content": { "role": "model", "parts": parts.clone() }, "finishReason": "STOP" }] });
    let whole = other.on_upstream_response(Some(whole.to_string().into()))?.unwrap_or_default();
    expected.see_spoken("answered at once", &said(&[whole]));
    let mut events = Vec::new();
    for part in parts {
        let event = json!({ "candidates": [{ "content": { "role": "model", "parts": [part] } }] });
        events.extend(session.on_chunk(event.to_string().into())?);
    }
    let last = json!({ "candidates": [{ "content": { "role": "model", "parts": [] }, "finishReason": "STOP" }] });
    events.extend(session.on_chunk(last.to_string().into())?);
    expected.see_spoken("streamed", &said(&events));
    Ok(())
}

/// Joins the text, reasoning and arguments of some events.
fn said(events: &[Bytes]) -> Value {
    let (mut text, mut reasoning, mut arguments) = (String::new(), String::new(), Value::Null);
    for event in events {
        let event: Value = serde_json::from_slice(event).unwrap_or_default();
        for part in event.pointer("/candidates/0/content/parts").and_then(Value::as_array).into_iter().flatten() {
            let words = part["text"].as_str().unwrap_or_default();
            if part["thought"] == true {
                reasoning.push_str(words)
            } else {
                text.push_str(words)
            }
            if let Some(args) = part.pointer("/functionCall/args") {
                arguments = args.clone();
            }
        }
    }
    json!({ "text": text, "reasoning": reasoning, "arguments": arguments })
}
