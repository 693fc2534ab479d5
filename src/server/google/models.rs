//! Google's models, as Google lists them; and what an alias leads to.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;

use super::{App, Asker, Caller, RequestId, answer, errand};
use crate::error::Error;
use crate::server::respond::json;

const API: &str = "gemini_models";

/// `GET /v1beta/models`: a page, as Google gives it.
pub async fn list(State(app): State<App>, caller: Caller, Extension(id): Extension<RequestId>, uri: Uri) -> Response {
    answer(app, caller, id, &uri, API, async |asker| asker.listed("v1beta/models").await).await
}

/// `GET /v1beta/models/{id}`: one of them; of an alias, the model that it leads to.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Extension(id): Extension<RequestId>,
    Path(model): Path<String>,
    uri: Uri,
) -> Response {
    answer(app, caller, id, &uri, API, async |asker| {
        let route = asker.snapshot.models.route(&model).ok_or_else(|| Error::model_not_found(&model))?;
        let target = route.targets.first().ok_or_else(|| Error::model_not_found(&model))?;
        asker.listed(&format!("v1beta/{}", target.name.resource())).await
    })
    .await
}

impl Asker {
    /// Any key will do: the list is the same for all.
    async fn listed(&self, path: &str) -> Result<Response, Error> {
        let asked = errand(Method::GET, path, self.query.clone(), Bytes::new());
        let fetched = self.run(&*self.pool()?, &asked).await?;
        Ok(json(StatusCode::OK, fetched.body))
    }
}
