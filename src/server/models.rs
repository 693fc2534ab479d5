//! `GET /v1/models` and `/v1/models/{id}`: the aliases, and the models that the pool's keys can use at Google.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::time::Instant;

use super::auth::Caller;
use super::middleware::RequestId;
use super::respond::document;
use super::{App, dispatch, family, google};
use crate::error::Error;
use crate::fault::Blame;
use crate::plugin::SessionFacts;
use crate::protocol::{Card, Family};
use crate::runtime::Snapshot;
use crate::upstream::Listed;

/// How long a list from Google stays fresh.
const FRESH: Duration = Duration::from_secs(300);
/// How long a client waits for a new list.
const PATIENCE: Duration = Duration::from_secs(10);

/// `GET /v1/models`.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    id: Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    if google::is_google_sdk(&headers) {
        return google::models::list(State(app), caller, id, headers, uri).await;
    }
    let family = family::by_headers(&headers);
    match shown(&app, caller, id.0, family, ("/v1/models", &headers)).await {
        Ok(models) => document(StatusCode::OK, &family.models(models)),
        Err(error) => error.into_response(),
    }
}

/// `GET /v1/models/{id}`.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    request: Extension<RequestId>,
    path: Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    if google::is_google_sdk(&headers) {
        return google::models::one(State(app), caller, request, path, headers, uri).await;
    }
    let Path(id) = path;
    let family = family::by_headers(&headers);
    match shown(&app, caller, request.0, family, ("/v1/models/{id}", &headers)).await {
        Ok(models) => match models.into_iter().find(|model| model["id"] == *id) {
            Some(model) => document(StatusCode::OK, &model),
            None => Error::model_not_found(&id).into_response(),
        },
        Err(error) => error.into_response(),
    }
}

/// The models this client may use, after plugins have filtered them, in the format of the client's vendor.
async fn shown(
    app: &App,
    caller: Caller,
    RequestId(id): RequestId,
    family: &dyn Family,
    (path, headers): (&'static str, &HeaderMap),
) -> Result<Vec<Value>, Error> {
    let cards = all(app, &caller.snapshot).await;
    let target = |id: &str| caller.snapshot.models.route(id)?.targets.into_iter().next();
    let may_use = |id: &str| {
        let target = target(id);
        caller.client.may_use(&[id, target.as_ref().map_or("", |model| model.name.as_str())])
    };
    let models = cards.values().filter(|card| may_use(&card.id)).map(|card| family.model(card)).collect();
    let client = caller.client.name.clone();
    let facts = || SessionFacts { id, api: "models", path, model: None, client, headers: dispatch::visible(headers) };
    caller.snapshot.plugins.session(facts).only(caller.client.plugins.clone()).on_models(models)
}

async fn all(app: &App, snapshot: &Snapshot) -> BTreeMap<String, Card> {
    let mut cards = BTreeMap::new();
    for listed in listed(app, snapshot).await {
        let Some(id) = listed.name.strip_prefix("models/") else { continue };
        if listed.supported_generation_methods.iter().any(|method| method == "generateContent") {
            let card = Card {
                id: id.to_owned(),
                owned_by: "google",
                input_tokens: listed.input_token_limit,
                output_tokens: listed.output_token_limit,
                facts: snapshot.models.model(id).map(|model| model.facts),
            };
            cards.insert(id.to_owned(), card);
        }
    }
    for (alias, target) in snapshot.models.aliases() {
        let (input_tokens, output_tokens) =
            cards.get(target.as_str()).map(|card| (card.input_tokens, card.output_tokens)).unwrap_or_default();
        let facts = snapshot.models.model(target.as_str()).map(|model| model.facts);
        let card = Card { id: alias.to_owned(), owned_by: "gemini-adapter", input_tokens, output_tokens, facts };
        cards.insert(alias.to_owned(), card);
    }
    cards
}

/// The models Google lists for a key of the default pool. When Google does not answer, returns the last list, however
/// old. Aliases do not depend on it.
async fn listed(app: &App, snapshot: &Snapshot) -> Vec<Listed> {
    let pool = &snapshot.config.settings.models.pool;
    let known = app.services.models.get(pool);
    if let Some((at, models)) = &known
        && at.elapsed() < FRESH
    {
        return models.clone();
    }
    let stale = known.map(|(_, models)| models).unwrap_or_default();
    let Some(keys) = snapshot.pools.get(pool) else { return stale };
    let now = app.services.clock.now();
    let deadline = Instant::now() + PATIENCE;
    // Listing uses no quota, so keys that are cooling down are usable here too.
    for key in keys.usable(now) {
        match snapshot.upstream.models(key.secret(), deadline).await {
            Ok(models) => {
                app.services.models.keep(pool, models.clone());
                return models;
            }
            Err(fault) => {
                tracing::warn!(pool, key = %key.id(), fault = fault.kind.name(), "Google's models could not be listed");
                if fault.blame != Blame::Key {
                    break;
                }
            }
        }
    }
    stale
}
