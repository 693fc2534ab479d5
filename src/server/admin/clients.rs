//! `/admin/clients`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::server::App;
use crate::server::auth::Caller;
use crate::server::respond::document;

/// The limits and usage of each client.
pub async fn list(State(app): State<App>, caller: Caller) -> Response {
    let clients = caller.snapshot.clients.status(app.services.clock.now());
    document(StatusCode::OK, &json!({ "clients": clients }))
}
