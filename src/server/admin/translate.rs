//! `/admin/translate`: shows how a request would be translated.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::error::Error;
use crate::pipeline;
use crate::plugin::SessionFacts;
use crate::protocol::Place;
use crate::server::auth::Caller;
use crate::server::middleware::RequestId;
use crate::server::respond::document;
use crate::server::{App, dispatch, endpoints};

/// The endpoint the request is meant for; chat completions by default.
#[derive(Deserialize)]
pub struct For {
    #[serde(default = "chat")]
    path: String,
}

fn chat() -> String {
    "/v1/chat/completions".to_owned()
}

/// Shows the translated request and what would become of each of its fields. Nothing is sent.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Extension(RequestId(id)): Extension<RequestId>,
    Query(For { path }): Query<For>,
    headers: HeaderMap,
    content: Body,
) -> Response {
    let snapshot = caller.snapshot;
    let content = match app.bodies.read(content, &headers, &snapshot.config.settings.server).await {
        Ok(content) => content,
        Err(error) => return error.into_response(),
    };
    let place = Place { path, ..Place::default() };
    let Some((path, protocol)) = endpoints::door_at(&place.path) else {
        let message = "`path` is not a model endpoint. `GET /` lists the endpoints.";
        return Error::invalid(message).param("path").into_response();
    };
    let session = snapshot.plugins.session(|| SessionFacts {
        id,
        api: protocol.name(),
        path,
        model: protocol.model_in(&place),
        client: caller.client.name.clone(),
        headers: dispatch::visible(&headers),
    });
    let session = session.traced();
    match pipeline::translate(&snapshot, &session, protocol, &app.services.signatures, &place, content) {
        Ok(translation) => document(StatusCode::OK, &translation),
        Err(error) => error.into_response(),
    }
}
