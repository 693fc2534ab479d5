//! What an operator may do.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::auth::Caller;
use super::edge::RequestId;
use super::respond::document;
use super::{App, body, chat};
use crate::error::Error;
use crate::pipeline;
use crate::plugin::SessionFacts;
use crate::protocol::Protocol;
use crate::protocol::openai_chat::OpenAiChat;

/// Puts a key back to work, named by its id or by the beginning of its id or text. The one found everywhere it serves.
pub async fn reset_key(State(app): State<App>, caller: Caller, Path(prefix): Path<String>) -> Response {
    let mut found: Vec<_> = caller.snapshot.pools.values().flat_map(|pool| pool.find(&prefix)).collect();
    found.sort_by(|one, other| one.id().cmp(other.id()));
    found.dedup_by(|one, other| one.id() == other.id());
    match found.as_slice() {
        [] => Error::not_found("No key has an id or a text that begins so. `GET /admin/keys` lists the ids.")
            .into_response(),
        [key] => {
            app.services.ledger.reset(key, None, app.services.clock.now());
            tracing::info!(key = %key.id(), "key reset by an admin");
            document(StatusCode::OK, &json!({ "reset": key.id() }))
        }
        several => {
            let ids: Vec<String> = several.iter().map(|key| key.id().to_string()).collect();
            Error::conflict(format!("That is the beginning of several keys: {}. Name one by its id.", ids.join(", ")))
                .into_response()
        }
    }
}

/// Loads the configuration anew, and says what came of it.
pub async fn reload(State(app): State<App>) -> Response {
    let live = app.live.clone();
    // Reads files and compiles plugins: not on a thread that serves others.
    match tokio::task::spawn_blocking(move || live.reload()).await {
        Ok(Ok(reloaded)) => document(StatusCode::OK, &reloaded),
        Ok(Err(problems)) => {
            let message =
                "The configuration is refused; the one before stays live. `problems` lists all that is wrong.";
            let error = json!({
                "error": { "message": message, "type": "invalid_request_error", "param": null, "code": "config_refused" },
                "problems": problems,
            });
            document(StatusCode::UNPROCESSABLE_ENTITY, &error)
        }
        Err(_) => Error::internal("The reload broke off.").into_response(),
    }
}

/// The live configuration, secrets masked, and what was wrong with the last change if it was refused.
pub async fn config(State(app): State<App>, caller: Caller) -> Response {
    let snapshot = caller.snapshot;
    let config = json!({
        "generation": snapshot.generation,
        "hash": snapshot.hash,
        "file": snapshot.config.file,
        "loaded_at": snapshot.loaded_at.to_string(),
        "settings": snapshot.config.resolved(),
        "warnings": snapshot.warnings,
        "refused": app.live.refused(),
    });
    document(StatusCode::OK, &config)
}

/// What a chat request would become, and what would become of each of its fields. Nobody is called.
pub async fn translate(
    State(app): State<App>,
    caller: Caller,
    Extension(RequestId(id)): Extension<RequestId>,
    headers: HeaderMap,
    content: Body,
) -> Response {
    let snapshot = caller.snapshot;
    let content = match body::read(content, &headers, &snapshot.config.settings.server).await {
        Ok(content) => content,
        Err(error) => return error.into_response(),
    };
    let session = snapshot.plugins.session(|| SessionFacts {
        id,
        api: OpenAiChat.name(),
        path: chat::PATH,
        client: caller.client.name,
        headers: chat::visible(&headers),
    });
    match pipeline::translate(&snapshot, &session, &OpenAiChat, &app.services.signatures, content) {
        Ok(translation) => document(StatusCode::OK, &translation),
        Err(error) => error.into_response(),
    }
}

/// The state of each key.
pub async fn keys(State(app): State<App>, caller: Caller) -> Response {
    let now = app.services.clock.now();
    let pools: BTreeMap<_, _> =
        caller.snapshot.pools.iter().map(|(name, pool)| (name, json!({ "keys": pool.status(now) }))).collect();
    document(StatusCode::OK, &json!({ "pools": pools }))
}
