//! The one way from a door into the pipeline, whatever the dialect.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::auth::Caller;
use super::edge::RequestId;
use super::{App, body};
use crate::pipeline::{self, Exchange};
use crate::plugin::SessionFacts;
use crate::protocol::{Place, Protocol};
use crate::telemetry::Outcome;

/// What came to a door.
pub struct Arrival {
    /// Who passed it.
    pub caller: Caller,
    /// The request's id.
    pub id: RequestId,
    /// Where it was sent to.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, not yet read.
    pub content: Body,
}

/// Answers what came to the door of `path`, in its protocol.
pub async fn answer(app: App, arrival: Arrival, protocol: &'static dyn Protocol, path: &'static str) -> Response {
    let Arrival { caller, id: RequestId(id), uri, headers, content } = arrival;
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
        earlier: None,
        known: Default::default(),
        place: Arc::new(place(&uri, &headers)),
        protocol,
        record,
        snapshot,
    };
    pipeline::answer(exchange, content).await.into_response()
}

fn place(uri: &Uri, headers: &HeaderMap) -> Place {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Place {
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        media_type: media_type.unwrap_or_default().to_owned(),
    }
}

/// Headers as plugins see them.
pub fn visible(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
