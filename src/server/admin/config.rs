//! `/admin/config` and `/admin/reload`: what is configured, and a change of it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;
use crate::server::App;
use crate::server::auth::Caller;
use crate::server::respond::document;

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
pub async fn show(State(app): State<App>, caller: Caller) -> Response {
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
