//! `/admin/keys` and what is done to a key.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;
use crate::server::App;
use crate::server::auth::Caller;
use crate::server::respond::document;

/// The state of each key.
pub async fn list(State(app): State<App>, caller: Caller) -> Response {
    let now = app.services.clock.now();
    let pools: BTreeMap<_, _> =
        caller.snapshot.pools.iter().map(|(name, pool)| (name, json!({ "keys": pool.status(now) }))).collect();
    document(StatusCode::OK, &json!({ "pools": pools }))
}

/// Puts a key back to work, named by its id or by the beginning of its id or text. The one found everywhere it serves.
pub async fn reset(State(app): State<App>, caller: Caller, Path(prefix): Path<String>) -> Response {
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
