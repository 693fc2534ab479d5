//! `/admin/config` and `/admin/reload`: the live configuration, its history, and changes to it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::problem::Problems;
use crate::runtime::{Live, Refusal, Snapshot};
use crate::server::App;
use crate::server::auth::Caller;
use crate::server::respond::document;

/// Reloads the configuration and reports the outcome.
pub async fn reload(State(app): State<App>, headers: HeaderMap) -> Response {
    outcome(&app, move |live| live.reload_if(seen(&headers))).await
}

/// Reports what a reload would change, or why it would be rejected. Changes nothing.
pub async fn trial(State(app): State<App>) -> Response {
    outcome(&app, |live| Ok(live.trial().map(|changes| json!({ "changes": changes }))?)).await
}

/// Restores the files of an earlier generation and loads them.
pub async fn rollback(State(app): State<App>, Path(generation): Path<u64>, headers: HeaderMap) -> Response {
    outcome(&app, move |live| live.rollback(generation, seen(&headers))).await
}

/// The configuration version that the admin's decision was based on, from `If-Match`. None when any version will do.
fn seen(headers: &HeaderMap) -> Option<&str> {
    let tag = headers.get(IF_MATCH)?.to_str().unwrap_or_default().trim_matches('"');
    (tag != "*").then_some(tag)
}

/// The configurations that were accepted, newest first.
pub async fn history(State(app): State<App>, caller: Caller) -> Response {
    document(StatusCode::OK, &json!({ "generations": generations(&app, &caller.snapshot) }))
}

/// The same as JSON values, for embedding in another document.
pub fn generations(app: &App, live: &Snapshot) -> Vec<Value> {
    let entry = |kept: crate::runtime::Generation| {
        let live = kept.generation == live.generation;
        json!({ "generation": kept.generation, "hash": kept.hash, "at": kept.at, "live": live, "changes": kept.changes })
    };
    app.live.history().into_iter().map(entry).collect()
}

/// The live configuration with secrets masked, and the problems of the last change if it was rejected.
pub async fn show(State(app): State<App>, caller: Caller) -> Response {
    let snapshot = caller.snapshot;
    let config = json!({
        "generation": snapshot.generation,
        "hash": snapshot.hash,
        "file": snapshot.config.file,
        "included": snapshot.config.included().collect::<Vec<_>>(),
        "loaded_at": snapshot.loaded_at.to_string(),
        "certificate": snapshot.certificate,
        "settings": snapshot.config.resolved(),
        "warnings": snapshot.warnings,
        "refused": app.live.refused(),
    });
    document(StatusCode::OK, &config)
}

/// Runs an action that reads files and compiles plugins, on a blocking thread, and reports the outcome.
async fn outcome<T, F>(app: &App, act: F) -> Response
where
    T: Serialize + Send + 'static,
    F: FnOnce(Arc<Live>) -> Result<T, Refusal> + Send + 'static,
{
    let live = app.live.clone();
    match tokio::task::spawn_blocking(move || act(live)).await {
        Ok(Ok(done)) => document(StatusCode::OK, &done),
        Ok(Err(Refusal::Problems(problems))) => refused(&problems),
        Ok(Err(Refusal::Moved(live))) => {
            let message =
                format!("The live configuration is {live}, not the one `If-Match` names. Review it, then retry.");
            Error::moved(message).into_response()
        }
        Err(_) => Error::internal("The load was aborted.").into_response(),
    }
}

fn refused(problems: &Problems) -> Response {
    let message = "The new configuration was rejected; the previous one stays live. `problems` lists all errors.";
    let error = json!({
        "error": { "message": message, "type": "invalid_request_error", "param": null, "code": "config_refused" },
        "problems": problems,
    });
    document(StatusCode::UNPROCESSABLE_ENTITY, &error)
}
