//! `/admin/cache`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::server::App;
use crate::server::respond::document;

/// Clears the answer cache, on all replicas.
pub async fn clear(State(app): State<App>) -> Response {
    let cleared = app.services.answers.status();
    app.services.answers.clear();
    tracing::info!(entries = cleared.entries, "cache cleared by an admin");
    document(StatusCode::OK, &json!({ "cleared": cleared.entries }))
}
