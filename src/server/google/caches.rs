//! Cached contents, created with the client's key and used with no other.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;

use super::{App, Caller, KeyChoice, RequestId, ResourceHandler, answer, name, resource};
use crate::error::Error;
use crate::pipeline::owner;
use crate::protocol::{gemini, owned};
use crate::server::respond::json;
use crate::store::CACHES_KEPT;

const KIND: &str = "cachedContents";
const API: &str = "gemini_caches";

/// `POST /v1beta/cachedContents`.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Extension(id): Extension<RequestId>,
    uri: Uri,
    headers: HeaderMap,
    content: Body,
) -> Response {
    answer(app, caller, id, &uri, API, async |asker| {
        let body = asker.read(content, &headers).await?;
        asker.cache(&body).await
    })
    .await
}

/// `GET /v1beta/cachedContents`.
pub async fn list(State(app): State<App>, caller: Caller, Extension(id): Extension<RequestId>, uri: Uri) -> Response {
    answer(app, caller, id, &uri, API, async |asker| asker.page(KIND).await).await
}

/// `GET`, `PATCH` and `DELETE /v1beta/cachedContents/{id}`.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Extension(id): Extension<RequestId>,
    Path(cache): Path<String>,
    (method, uri, headers): (Method, Uri, HeaderMap),
    content: Body,
) -> Response {
    answer(app, caller, id, &uri, API, async |asker| {
        let body = asker.read(content, &headers).await?;
        asker.at(method, &name(KIND, &cache)?, body).await
    })
    .await
}

impl ResourceHandler {
    /// Creates cached content for the model that the client's name resolves to, with the key that owns the files in it.
    async fn cache(&self, body: &Bytes) -> Result<Response, Error> {
        let asked = gemini::model_of(body)?;
        let route = self.snapshot.models.route(&asked).ok_or_else(|| Error::model_not_found(&asked))?;
        let target = route.targets.first().ok_or_else(|| Error::model_not_found(&asked))?;
        if !self.client.may_use(&[&asked, target.name.as_str()]) {
            return Err(Error::model_not_found(&asked));
        }
        let pool = self.snapshot.pools.get(&route.pool).cloned();
        let pool = pool.ok_or_else(|| Error::internal(format!("The pool `{}` is not configured.", route.pool)))?;
        let content = gemini::for_model(body, &asked, &target.name)?;
        let resource = resource(Method::POST, "v1beta/cachedContents", self.query.clone(), content);
        let (fetched, owner) = match owned::names(body).first() {
            Some(file) => {
                let of = owner::find(&self.snapshot, &self.app.services, &self.client.name, &file.name, &pool);
                let (pool, owner) = of.await?;
                (self.run(KeyChoice::Owner(&pool), &resource).await?.0, owner)
            }
            None => self.make(&pool, &resource).await?,
        };
        if let Some(name) = gemini::name_in(&fetched.body, None) {
            self.app.services.owners.keep(&name, &owner, CACHES_KEPT);
        }
        Ok(json(StatusCode::OK, fetched.body))
    }
}
