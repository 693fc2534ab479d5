//! `/admin/keys` and the actions on a key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::error::Error;
use crate::keys::Key;
use crate::model::ModelName;
use crate::runtime::Snapshot;
use crate::server::App;
use crate::server::auth::Caller;
use crate::server::respond::document;

/// How long a test of a key may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The model an action applies to; all models if omitted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Of {
    model: Option<String>,
}

/// The state of each key for each model, and of the models themselves.
pub async fn list(State(app): State<App>, caller: Caller) -> Response {
    let now = app.services.clock.now();
    let pools: BTreeMap<_, _> =
        caller.snapshot.pools.iter().map(|(name, pool)| (name, json!({ "keys": pool.status(now) }))).collect();
    document(StatusCode::OK, &json!({ "pools": pools, "models": app.services.ledger.models(now) }))
}

/// Puts a key back into service, in every pool it serves. The key is named by its id, or by a prefix of its id or text.
pub async fn reset(State(app): State<App>, caller: Caller, Path(prefix): Path<String>) -> Response {
    match find(&caller.snapshot, &prefix) {
        Ok(key) => {
            app.services.ledger.reset(&key, None, app.services.clock.now());
            tracing::info!(key = %key.id(), "key reset by an admin");
            document(StatusCode::OK, &json!({ "reset": key.id() }))
        }
        Err(error) => error.into_response(),
    }
}

/// `reset`, `disable`, `enable` or `test`.
pub async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((id, action)): Path<(String, String)>,
    Query(of): Query<Of>,
) -> Response {
    match acted(&app, &caller.snapshot, &id, &action, of.model.as_deref()).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn acted(app: &App, snapshot: &Snapshot, id: &str, action: &str, model: Option<&str>) -> Result<Response, Error> {
    let key = find(snapshot, id)?;
    let now = app.services.clock.now();
    let ledger = &app.services.ledger;
    match (action, model) {
        ("reset", model) => {
            let parse = |name: &str| ModelName::parse(name).ok_or_else(|| Error::model_not_found(name));
            ledger.reset(&key, model.map(parse).transpose()?.as_ref(), now);
        }
        ("disable", None) => ledger.disable(&key, true, now),
        ("enable", None) => ledger.disable(&key, false, now),
        ("test", None) => return Ok(test(snapshot, &key).await),
        ("disable" | "enable" | "test", Some(_)) => {
            return Err(Error::invalid("Only `reset` accepts a model.").param("model"));
        }
        _ => {
            let message = "Unknown action. The actions are `reset`, `disable`, `enable` and `test`.";
            return Err(Error::not_found(message));
        }
    }
    tracing::info!(key = %key.id(), action, model, "action on a key by an admin");
    Ok(document(StatusCode::OK, &json!({ "key": key.id(), "done": action, "model": model })))
}

/// Tests whether Google accepts a key. Listing models uses no quota, and the result changes no state.
async fn test(snapshot: &Snapshot, key: &Key) -> Response {
    let tested = match snapshot.upstream.models(key.secret(), Instant::now() + PATIENCE).await {
        Ok(models) => json!({ "key": key.id(), "accepted": true, "models": models.len() }),
        Err(fault) => {
            json!({ "key": key.id(), "accepted": false, "why": fault.kind.name(), "message": fault.message })
        }
    };
    document(StatusCode::OK, &tested)
}

/// The only key whose id or text starts with `prefix`.
fn find(snapshot: &Snapshot, prefix: &str) -> Result<Arc<Key>, Error> {
    let mut found: Vec<_> = snapshot.pools.values().flat_map(|pool| pool.find(prefix)).collect();
    found.sort_by(|one, other| one.id().cmp(other.id()));
    found.dedup_by(|one, other| one.id() == other.id());
    match found.as_slice() {
        [] => Err(Error::not_found("No key has an id or text with this prefix. `GET /admin/keys` lists the ids.")),
        [key] => Ok(key.clone()),
        several => {
            let ids: Vec<String> = several.iter().map(|key| key.id().to_string()).collect();
            let ids = ids.join(", ");
            Err(Error::conflict(format!("Several keys match this prefix: {ids}. Name one by its id.")))
        }
    }
}
