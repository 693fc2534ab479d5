//! `/admin/requests`, `/admin/explain`, `/admin/usage`, `/admin/latencies`: what requests did, and their statistics.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::server::App;
use crate::server::auth::Caller;
use crate::server::respond::redacted;
use crate::store::{Store, Used};
use crate::telemetry::{RequestView, Trace, Tried};

/// How many requests to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Most {
    #[serde(default = "most")]
    limit: usize,
}

fn most() -> usize {
    100
}

/// Requests in flight, oldest first, and finished requests, newest first.
pub async fn list(State(app): State<App>, caller: Caller, Query(Most { limit }): Query<Most>) -> Response {
    let page = app.services.telemetry.journal().page(0, limit);
    let seen = |traces: &[std::sync::Arc<Trace>]| traces.iter().map(|trace| trace.seen()).collect::<Vec<RequestView>>();
    let list = json!({ "under_way": page.under_way, "live": seen(&page.live), "over": seen(&page.over) });
    redacted(&caller.snapshot, &list)
}

/// `GET /admin/explain/{id}`: the course of one request.
pub async fn explain(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Response {
    let Some(trace) = app.services.telemetry.journal().find(&id) else { return unknown().into_response() };
    let seen = trace.seen();
    redacted(&caller.snapshot, &json!({ "story": story(&seen), "request": seen }))
}

/// `GET /admin/usage`: by client since the process started, by key for as long as usage is stored.
pub async fn usage(State(app): State<App>, caller: Caller) -> Response {
    let services = &app.services;
    let usage = json!({ "clients": services.telemetry.tally().usage(), "keys": keys_used(&services.store) });
    redacted(&caller.snapshot, &usage)
}

/// Usage by day, key and model.
pub fn keys_used(store: &Store) -> Vec<Value> {
    let row = |used: Used| {
        json!({
            "day": used.day.to_string(), "key": used.key, "model": used.model, "requests": used.requests,
            "failures": used.failures, "prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens,
        })
    };
    store.used().into_iter().map(row).collect()
}

/// `GET /admin/latencies`: response times by model.
pub async fn latencies(State(app): State<App>, caller: Caller) -> Response {
    redacted(&caller.snapshot, &json!({ "models": app.services.telemetry.tally().by_model() }))
}

pub fn unknown() -> Error {
    let message = "No request with this id is in flight or among the latest finished: `telemetry.requests` sets how many are kept. `GET /admin/requests` lists them.";
    Error::not_found(message)
}

/// The course of a request in prose, one line per event.
fn story(seen: &RequestView) -> Vec<Value> {
    let facts = &seen.facts;
    let asked = if facts.asked.is_empty() { "no model that could be read" } else { &facts.asked };
    let streamed = if facts.stream { ", streamed" } else { "" };
    let mut lines = vec![format!("{} requested {asked} ({}{streamed}) at {}.", facts.client, facts.api, seen.at)];
    lines.extend(seen.tries.iter().enumerate().map(|(number, tried)| attempt(number + 1, tried)));
    let plugins: f64 = seen.plugins.iter().map(|cost| cost.spent_ms).sum();
    if !seen.plugins.is_empty() {
        lines.push(format!("Plugins took {plugins:.2} ms in all."));
    }
    if let Some(first) = facts.first_token_ms {
        lines.push(format!("The first content was sent after {first} ms."));
    }
    lines.push(match (seen.phase, facts.status) {
        ("done", 200..400) => format!("It was fully answered after {} ms.", facts.duration_ms),
        ("done", 499) => format!("The client left after {} ms.", facts.duration_ms),
        ("done", status) => {
            let code = seen.error.as_ref().map(|error| error.code.as_ref().unwrap_or(&error.kind).clone());
            format!("It failed after {} ms with {status} {}.", facts.duration_ms, code.unwrap_or_default())
        }
        (phase, _) => format!("In flight for {} ms: {phase}.", facts.duration_ms),
    });
    lines.into_iter().map(Value::from).collect()
}

fn attempt(number: usize, tried: &Tried) -> String {
    let Tried { model, key, began_ms, .. } = tried;
    let begun = format!("Attempt {number} went to {model} on key {key} after {began_ms} ms");
    let (Some(outcome), Some(ended)) = (tried.outcome, tried.ended_ms) else { return format!("{begun}.") };
    let took = ((ended - began_ms) * 100.0).round() / 100.0;
    if outcome == "ok" {
        return format!("{begun}, and was answered within {took} ms.");
    }
    let status = tried.status.map(|status| format!(" ({status})")).unwrap_or_default();
    let rest = tried.rest.as_ref().map(|rest| {
        let what = match rest.of {
            "quota" => "the key's project cools down for this model",
            "model" => "the model cools down for all keys",
            _ => "the key cools down for all models",
        };
        match rest.seconds {
            Some(seconds) => format!("; {what} for {seconds} s"),
            None => "; the key is out of use until an operator acts".to_owned(),
        }
    });
    format!("{begun}, and failed within {took} ms: {outcome}{status}{}.", rest.unwrap_or_default())
}
