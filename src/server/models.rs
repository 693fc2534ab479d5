//! `GET /v1/models` and `/v1/models/{id}`: the aliases, and what the pool's keys may use at Google.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::App;
use super::auth::Caller;
use super::edge::RequestId;
use super::respond::document;
use crate::error::Error;
use crate::plugin::SessionFacts;
use crate::runtime::Snapshot;
use crate::upstream::Listed;

/// OpenAI wants a time of creation; Google tells none, so all models have the same.
const CREATED: i64 = 1_687_882_411;
/// How long a list from Google is good.
const FRESH: Duration = Duration::from_secs(300);
/// How long a client waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Value>,
}

#[derive(Clone, Serialize)]
struct Model {
    id: String,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
}

/// All of them.
pub async fn list(State(app): State<App>, caller: Caller, Extension(RequestId(id)): Extension<RequestId>) -> Response {
    match shown(&app, caller, id, "/v1/models").await {
        Ok(data) => document(StatusCode::OK, &List { object: "list", data }),
        Err(error) => error.into_response(),
    }
}

/// One of them.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Extension(RequestId(request)): Extension<RequestId>,
    Path(id): Path<String>,
) -> Response {
    match shown(&app, caller, request, "/v1/models/{id}").await {
        Ok(models) => match models.into_iter().find(|model| model["id"] == *id) {
            Some(model) => document(StatusCode::OK, &model),
            None => Error::model_not_found(&id).into_response(),
        },
        Err(error) => error.into_response(),
    }
}

/// The models as plugins let this client see them.
async fn shown(app: &App, caller: Caller, id: String, path: &'static str) -> Result<Vec<Value>, Error> {
    let models = all(app, &caller.snapshot).await.into_values();
    let models = models.filter_map(|model| serde_json::to_value(model).ok()).collect();
    let session = caller.snapshot.plugins.session(|| SessionFacts {
        id,
        api: "models",
        path,
        client: caller.client.name,
        headers: Vec::new(),
    });
    session.on_models(models)
}

async fn all(app: &App, snapshot: &Snapshot) -> BTreeMap<String, Model> {
    let mut models = BTreeMap::new();
    for listed in listed(app, snapshot).await {
        let Some(id) = listed.name.strip_prefix("models/") else { continue };
        if listed.supported_generation_methods.iter().any(|method| method == "generateContent") {
            models.insert(id.to_owned(), model(id, "google", &listed));
        }
    }
    for (alias, target) in snapshot.models.aliases() {
        let known = models.get(target.as_str()).cloned();
        let limits = Listed {
            input_token_limit: known.as_ref().and_then(|model| model.context_length),
            output_token_limit: known.and_then(|model| model.max_output_tokens),
            ..Listed::default()
        };
        models.insert(alias.to_owned(), model(alias, "gemini-adapter", &limits));
    }
    models
}

fn model(id: &str, owned_by: &'static str, listed: &Listed) -> Model {
    Model {
        id: id.to_owned(),
        object: "model",
        created: CREATED,
        owned_by,
        context_length: listed.input_token_limit,
        max_output_tokens: listed.output_token_limit,
    }
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
