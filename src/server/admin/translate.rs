//! `/admin/translate`: what a request would become.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::pipeline;
use crate::plugin::SessionFacts;
use crate::protocol::Protocol;
use crate::protocol::openai_chat::OpenAiChat;
use crate::server::auth::Caller;
use crate::server::edge::RequestId;
use crate::server::respond::document;
use crate::server::{App, body, chat};

/// What a chat request would become, and what would become of each of its fields. Nobody is called.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Extension(RequestId(id)): Extension<RequestId>,
    headers: HeaderMap,
    content: Body,
) -> Response {
    let snapshot = caller.snapshot;
    let content = match body::read(content, &headers, &snapshot.config.settings.server).await {
        Ok(content) => content,
        Err(error) => return error.into_response(),
    };
    let session = snapshot.plugins.session(|| SessionFacts {
        id,
        api: OpenAiChat.name(),
        path: chat::PATH,
        client: caller.client.name,
        headers: chat::visible(&headers),
    });
    match pipeline::translate(&snapshot, &session, &OpenAiChat, &app.services.signatures, content) {
        Ok(translation) => document(StatusCode::OK, &translation),
        Err(error) => error.into_response(),
    }
}
