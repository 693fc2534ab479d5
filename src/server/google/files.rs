//! Files at Google: list, get, delete.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{Method, Uri};
use axum::response::Response;
use bytes::Bytes;

use super::{App, Caller, RequestId, answer, name};

const KIND: &str = "files";
const API: &str = "gemini_files";

/// `GET /v1beta/files`.
pub async fn list(State(app): State<App>, caller: Caller, Extension(id): Extension<RequestId>, uri: Uri) -> Response {
    answer(app, caller, id, &uri, API, async |asker| asker.page(KIND).await).await
}

/// `GET` and `DELETE /v1beta/files/{id}`.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Extension(id): Extension<RequestId>,
    Path(file): Path<String>,
    (method, uri): (Method, Uri),
) -> Response {
    answer(app, caller, id, &uri, API, async |asker| asker.at(method, &name(KIND, &file)?, Bytes::new()).await).await
}
