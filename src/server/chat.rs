//! `POST /v1/chat/completions`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::auth::Caller;
use super::edge::RequestId;
use super::{App, body};
use crate::pipeline::{self, Exchange};
use crate::plugin::SessionFacts;
use crate::protocol::Protocol;
use crate::protocol::openai_chat::OpenAiChat;
use crate::telemetry::Outcome;

/// Where it is.
pub const PATH: &str = "/v1/chat/completions";

/// Chat completions.
pub async fn completions(
    State(app): State<App>,
    caller: Caller,
    Extension(RequestId(id)): Extension<RequestId>,
    headers: HeaderMap,
    content: Body,
) -> Response {
    answer(&app, caller, id, &OpenAiChat, PATH, headers, content).await
}

/// Any dialect's way from the door to the pipeline.
async fn answer(
    app: &App,
    caller: Caller,
    id: String,
    protocol: &'static dyn Protocol,
    path: &'static str,
    headers: HeaderMap,
    content: Body,
) -> Response {
    let snapshot = caller.snapshot;
    let mut record = app.services.telemetry.begin(&id, protocol.name());
    record.client.clone_from(&caller.client.name);
    let settings = &snapshot.config.settings;
    let content = match body::read(content, &headers, &settings.server).await {
        Ok(content) => content,
        Err(error) => {
            record.tell(Outcome::Failed(error.status));
            return error.into_response();
        }
    };
    let session = snapshot.plugins.session(|| SessionFacts {
        id,
        api: protocol.name(),
        path,
        client: caller.client.name.clone(),
        headers: visible(&headers),
    });
    let exchange = Exchange {
        deadline: Instant::now() + settings.upstream.timeout,
        services: app.services.clone(),
        session: Arc::new(session),
        fidelity: caller.client.fidelity,
        files: Default::default(),
        known: Default::default(),
        protocol,
        record,
        snapshot,
    };
    pipeline::answer(exchange, content).await.into_response()
}

/// Headers as plugins see them.
pub fn visible(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
