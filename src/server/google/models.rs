//! Google's models in Google's own format, filtered by plugins, with aliases resolved.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use super::{App, Caller, KeyChoice, RequestId, ResourceHandler, answer, resource, unreadable};
use crate::clients::Client;
use crate::error::Error;
use crate::plugin::{Session, SessionFacts};
use crate::server::dispatch;
use crate::server::respond::json;

const API: &str = "gemini_models";

/// `GET /v1beta/models`: one page, as Google returns it.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let session = session(&caller, &id, "/v1beta/models", &headers);
    answer(app, caller, id, &uri, API, async |asker| {
        let listed = asker.listed("v1beta/models").await?;
        let all = !session.has_plugins() && asker.client.may_use_all();
        let shown = if all { listed } else { page(&session, &asker.client, &listed)? };
        Ok(json(StatusCode::OK, shown))
    })
    .await
}

/// `GET /v1beta/models/{id}`: one model. For an alias, the model it resolves to.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Extension(id): Extension<RequestId>,
    Path(model): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let session = session(&caller, &id, "/v1beta/models/{id}", &headers);
    answer(app, caller, id, &uri, API, async |asker| {
        let route = asker.snapshot.models.route(&model).ok_or_else(|| Error::model_not_found(&model))?;
        let target = route.targets.first().ok_or_else(|| Error::model_not_found(&model))?;
        if !asker.client.may_use(&[&model, target.name.as_str()]) {
            return Err(Error::model_not_found(&model));
        }
        let told = asker.listed(&format!("v1beta/{}", target.name.resource())).await?;
        if session.has_plugins() {
            let told: Value = serde_json::from_slice(&told).map_err(|_| unreadable())?;
            let shown = seen(&session, vec![told])?.pop().ok_or_else(|| Error::model_not_found(&model))?;
            return Ok(json(StatusCode::OK, shown.to_string().into()));
        }
        Ok(json(StatusCode::OK, told))
    })
    .await
}

fn session(caller: &Caller, RequestId(id): &RequestId, path: &'static str, headers: &HeaderMap) -> Session {
    let client = caller.client.name.clone();
    caller.snapshot.plugins.session(|| SessionFacts {
        id: id.clone(),
        // Plugins see the same API name for a list of models, whichever vendor's client requested it.
        api: "models",
        path,
        model: None,
        client,
        headers: dispatch::visible(headers),
    })
}

/// Filters a page down to the models that the client may use and plugins let through.
fn page(session: &Session, client: &Client, listed: &[u8]) -> Result<Bytes, Error> {
    let mut page: serde_json::Map<String, Value> = serde_json::from_slice(listed).map_err(|_| unreadable())?;
    if let Some(Value::Array(models)) = page.get_mut("models") {
        let id = |model: &Value| model.get("name").and_then(Value::as_str).map(id).unwrap_or_default().to_owned();
        models.retain(|model| client.may_use(&[&id(model)]));
        *models = seen(session, std::mem::take(models))?;
    }
    Ok(Value::Object(page).to_string().into())
}

/// The models that plugins let through. Plugins see an `id` on each, as in other vendors' lists.
fn seen(session: &Session, mut models: Vec<Value>) -> Result<Vec<Value>, Error> {
    for model in models.iter_mut().filter_map(Value::as_object_mut) {
        let id = model.get("name").and_then(Value::as_str).map(id).unwrap_or_default().to_owned();
        model.insert("id".to_owned(), id.into());
    }
    let mut models = session.on_models(models)?;
    for model in models.iter_mut().filter_map(Value::as_object_mut) {
        model.remove("id");
    }
    Ok(models)
}

fn id(name: &str) -> &str {
    name.strip_prefix("models/").unwrap_or(name)
}

impl ResourceHandler {
    /// Requests a list or a model from Google. Any key will do, since the answer is the same for all.
    async fn listed(&self, path: &str) -> Result<Bytes, Error> {
        let asked = resource(Method::GET, path, self.query.clone(), Bytes::new());
        let (fetched, _) = self.run(KeyChoice::Any(&*self.pool()?), &asked).await?;
        Ok(fetched.body)
    }
}
