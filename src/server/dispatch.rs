//! The path from every model endpoint into the pipeline, for all protocols.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::Instant;

use super::auth::Caller;
use super::middleware::RequestId;
use super::{App, form, respond};
use crate::cache::Control;
use crate::clients::{Admission, Client};
use crate::config::ServerSettings;
use crate::error::Error;
use crate::pipeline::{self, Exchange};
use crate::plugin::SessionFacts;
use crate::protocol::{Family, Place, Protocol};
use crate::telemetry::{Arrived, Outcome, RequestRecord};

/// Answers a request to the endpoint `path` in its protocol.
pub async fn answer(
    app: &App,
    request: Request,
    caller: Caller,
    protocol: &'static dyn Protocol,
    path: &'static str,
) -> Response {
    let (Parts { uri, headers, extensions, .. }, content) = request.into_parts();
    let id = RequestId::assigned(extensions);
    let snapshot = caller.snapshot;
    let mut record = app.services.telemetry.begin(&id, protocol.name());
    record.came(path, &headers);
    record.client.clone_from(&caller.client.name);
    let settings = &snapshot.config.settings;
    let place = place(&uri, &headers, protocol.family());
    let visit = match admitted(app, &caller.client) {
        Ok(visit) => visit,
        Err(error) => return allowed(app, &caller.client, protocol.family(), refused(record, error)),
    };
    let content = match read(app, content, &headers, &place, protocol, &settings.server).await {
        Ok(content) => content,
        Err(error) => return refused(record, error),
    };
    record.arrived(&content, || arrived(&uri, &headers, &place));
    let session = snapshot.plugins.session(|| SessionFacts {
        id,
        api: protocol.name(),
        path,
        model: protocol.model_in(&place),
        client: caller.client.name.clone(),
        headers: visible(&headers),
    });
    let session = session.only(caller.client.plugins.clone());
    let why_headers = settings.server.why_headers;
    // Boxed, because the futures that it passes through would each have room for it.
    let exchange = Box::new(Exchange {
        deadline: Instant::now() + settings.upstream.timeout,
        services: app.services.clone(),
        session: Arc::new(session),
        fidelity: caller.client.fidelity,
        client: caller.client.clone(),
        visit,
        files: Default::default(),
        earlier: None,
        known: Default::default(),
        place: Arc::new(place),
        protocol,
        control: control(&headers),
        body: Bytes::new(),
        share: None,
        prepared: None,
        keeping: Vec::new(),
        record,
        snapshot,
    });
    // They are parts of the connection's buffer, which can then be used again.
    drop((uri, headers));
    let known = exchange.known.clone();
    let mut response = pipeline::answer(exchange, content).await.into_response();
    if let Some(why) = known.why().filter(|_| why_headers) {
        respond::set_why(response.headers_mut(), why);
    }
    if let Some(cached) = *known.cached() {
        respond::set_cache_status(response.headers_mut(), cached);
    }
    allowed(app, &caller.client, protocol.family(), response)
}

/// Ends a request that did not get as far as the pipeline.
fn refused(mut record: RequestRecord, error: Error) -> Response {
    record.refused(&error);
    record.finish(Outcome::Failed(error.status));
    error.into_response()
}

/// Admits a client's request unless the server is overloaded or the client has reached a limit, and counts it against
/// the client's limits.
pub fn admitted(app: &App, client: &Client) -> Result<Option<Admission>, Error> {
    app.overload.admit()?;
    client.admit(app.services.clock.now()).inspect_err(|error| {
        app.services.telemetry.client_refused(&client.name, error.code.as_deref().unwrap_or_default());
    })
}

/// Adds headers with the client's remaining allowance.
pub fn allowed(app: &App, client: &Client, family: &dyn Family, mut response: Response) -> Response {
    if let Some(allowance) = client.allowance(app.services.clock.now()) {
        respond::set_allowance(response.headers_mut(), family, &allowance);
    }
    response
}

/// Reads the body. A form becomes JSON if the protocol accepts forms.
async fn read(
    app: &App,
    content: Body,
    headers: &HeaderMap,
    place: &Place,
    protocol: &dyn Protocol,
    settings: &ServerSettings,
) -> Result<Bytes, Error> {
    let content = app.bodies.read(content, headers, settings).await?;
    if protocol.takes_forms() && form::is_form(&place.media_type) {
        // Boxed, because it is large, and every request would have room for it.
        return Box::pin(form::into_json(content, &place.media_type)).await;
    }
    Ok(content)
}

/// The client's cache directives.
fn control(headers: &HeaderMap) -> Control {
    let said = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    said.map(Control::read).unwrap_or_default()
}

fn place(uri: &Uri, headers: &HeaderMap, family: &dyn Family) -> Place {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Place {
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        media_type: text(CONTENT_TYPE.as_str()),
        conversation: family.conversation_header().map(text).unwrap_or_default(),
    }
}

/// Headers that describe a request and never hold a credential.
const TELLING: &[&str] = &["accept", "anthropic-beta", "anthropic-version", "content-type", "user-agent"];

/// The part of a request's path and headers that may be recorded.
fn arrived(uri: &Uri, headers: &HeaderMap, place: &Place) -> Arrived {
    let mut headers = visible(headers);
    headers.retain(|(name, _)| TELLING.contains(&name.as_str()));
    Arrived { path: uri.to_string(), headers, form: form::is_form(&place.media_type) }
}

/// The headers as plugins see them.
pub fn visible(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
