//! The one way from a door into the pipeline, whatever the dialect.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::Instant;

use super::auth::Caller;
use super::middleware::RequestId;
use super::{App, form, respond};
use crate::cache::Control;
use crate::clients::{Client, Visit};
use crate::config::ServerSettings;
use crate::error::Error;
use crate::pipeline::{self, Exchange};
use crate::plugin::SessionFacts;
use crate::protocol::{Family, Place, Protocol};
use crate::telemetry::{Arrived, Outcome};

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
    record.came(path, &headers);
    record.client.clone_from(&caller.client.name);
    let settings = &snapshot.config.settings;
    let place = place(&uri, &headers, protocol.family());
    let visit = match admitted(&app, &caller.client) {
        Ok(visit) => visit,
        Err(error) => {
            record.refused(&error);
            record.finish(Outcome::Failed(error.status));
            return allowed(&app, &caller.client, protocol.family(), error.into_response());
        }
    };
    let content = match read(&app, content, &headers, &place, protocol, &settings.server).await {
        Ok(content) => content,
        Err(error) => {
            record.refused(&error);
            record.finish(Outcome::Failed(error.status));
            return error.into_response();
        }
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
    let exchange = Exchange {
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
    };
    let known = exchange.known.clone();
    let mut response = pipeline::answer(exchange, content).await.into_response();
    if let Some(why) = known.why().filter(|_| why_headers) {
        respond::set_why(response.headers_mut(), why);
    }
    if let Some(cached) = *known.cached() {
        respond::set_cache_status(response.headers_mut(), cached);
    }
    allowed(&app, &caller.client, protocol.family(), response)
}

/// Lets a client's request in, unless there is too much to do, and counts it where anything is counted.
pub fn admitted(app: &App, client: &Client) -> Result<Option<Visit>, Error> {
    app.overload.admit()?;
    client.admit(app.services.clock.now()).inspect_err(|error| {
        app.services.telemetry.client_refused(&client.name, error.code.as_deref().unwrap_or_default());
    })
}

/// An answer that says what the client may still use.
pub fn allowed(app: &App, client: &Client, family: &dyn Family, mut response: Response) -> Response {
    if let Some(allowance) = client.allowance(app.services.clock.now()) {
        respond::set_allowance(response.headers_mut(), family, &allowance);
    }
    response
}

/// Reads a body; a form becomes JSON where the protocol takes forms.
async fn read(
    app: &App,
    content: Body,
    headers: &HeaderMap,
    place: &Place,
    protocol: &dyn Protocol,
    settings: &ServerSettings,
) -> Result<Bytes, Error> {
    let content = app.bodies.read(content, headers, settings).await?;
    if protocol.takes_forms() && form::is_one(&place.media_type) {
        return form::into_json(content, &place.media_type).await;
    }
    Ok(content)
}

/// What a request says about kept answers.
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

/// Headers that say what a request is; none of them is a credential.
const TELLING: &[&str] = &["accept", "anthropic-beta", "anthropic-version", "content-type", "user-agent"];

/// How a request came, as far as it may be kept.
fn arrived(uri: &Uri, headers: &HeaderMap, place: &Place) -> Arrived {
    let mut headers = visible(headers);
    headers.retain(|(name, _)| TELLING.contains(&name.as_str()));
    Arrived { path: uri.to_string(), headers, form: form::is_one(&place.media_type) }
}

/// Headers as plugins see them.
pub fn visible(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
