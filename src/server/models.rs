//! `GET /v1/models` and `/v1/models/{id}`: the aliases, and what the pool's keys may use at Google.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::time::Instant;

use super::auth::Caller;
use super::edge::RequestId;
use super::respond::document;
use super::{App, door, family};
use crate::error::Error;
use crate::plugin::SessionFacts;
use crate::protocol::{Card, Family, OpenAi};
use crate::runtime::Snapshot;
use crate::upstream::Listed;

/// How long a list from Google is good.
const FRESH: Duration = Duration::from_secs(300);
/// How long a client waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// All of them.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Extension(RequestId(request)): Extension<RequestId>,
    headers: HeaderMap,
) -> Response {
    match shown(&app, caller, request, "/v1/models", &headers).await {
        Ok(cards) => document(StatusCode::OK, &family::by_headers(&headers).models(&cards)),
        Err(error) => error.into_response(),
    }
}

/// One of them.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match shown(&app, caller, request, "/v1/models/{id}", &headers).await {
        Ok(cards) => match cards.iter().find(|card| card.id == id) {
            Some(card) => document(StatusCode::OK, &family::by_headers(&headers).model(card)),
            None => Error::model_not_found(&id).into_response(),
        },
        Err(error) => error.into_response(),
    }
}

/// The models as plugins let this client see them: some left out, others under another name.
async fn shown(
    app: &App,
    caller: Caller,
    id: String,
    path: &'static str,
    headers: &HeaderMap,
) -> Result<Vec<Card>, Error> {
    let cards = all(app, &caller.snapshot).await;
    let client = caller.client.name;
    let facts = || SessionFacts { id, api: "models", path, client, headers: door::visible(headers) };
    // Plugins see one shape, whatever the client's.
    let models = cards.values().map(|card| OpenAi.model(card)).collect();
    let models = caller.snapshot.plugins.session(facts).on_models(models)?;
    let card = |model: &Value| {
        let id = model["id"].as_str()?;
        let known = cards.get(id);
        Some(Card {
            id: id.to_owned(),
            owned_by: known.map_or("gemini-adapter", |card| card.owned_by),
            input_tokens: model["context_length"].as_u64(),
            output_tokens: model["max_output_tokens"].as_u64(),
            facts: known.and_then(|card| card.facts),
        })
    };
    Ok(models.iter().filter_map(card).collect())
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

/// What Google lists for a key of the default pool. When Google does not answer, the last list, however old; the aliases are
/// there in any case.
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
    // Listing spends no quota, so a key that rests may do it too.
    let Some(key) = keys.any_usable(now) else { return stale };
    match snapshot.upstream.models(key.secret(), Instant::now() + PATIENCE).await {
        Ok(models) => {
            app.services.models.keep(pool, models.clone());
            models
        }
        Err(fault) => {
            tracing::warn!(pool, key = %key.id(), fault = fault.kind.name(), "Google's models could not be listed");
            stale
        }
    }
}
