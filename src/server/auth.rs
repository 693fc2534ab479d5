//! Authentication. The only code that reads credentials, for all three headers that clients use.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::App;
use crate::clients::{Client, Clients, Needs};
use crate::error::Error;
use crate::runtime::Snapshot;

/// The access requirement of one route.
pub struct RouteGuard {
    /// Access to the live configuration.
    pub app: App,
    /// The permission the route requires.
    pub needs: Needs,
}

/// The authenticated client, and the snapshot it was authenticated against, which the whole request uses. Only the
/// guard of a route creates one.
#[derive(Clone)]
pub struct Caller {
    /// The client.
    pub client: Arc<Client>,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Error::internal("This route has no guard.").into_response())
    }
}

/// Response header: generation and hash of the configuration that answered the request.
pub const CONFIG: HeaderName = HeaderName::from_static("x-gemini-adapter-config");

impl RouteGuard {
    /// Authenticates the request, and has it answered if the client may use the route. Every response carries the
    /// configuration it was made by.
    pub async fn protect<F>(&self, request: Request, answer: impl FnOnce(Request, Caller) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        let snapshot = self.app.live.snapshot();
        let response = match admit(self, &snapshot, &request) {
            Ok(client) => {
                if self.needs == Needs::Admin && !snapshot.has_redaction() {
                    let snapshot = snapshot.clone();
                    // A panic in there surfaces where the redaction is used.
                    let _ = tokio::task::spawn_blocking(move || snapshot.redaction().is_empty()).await;
                }
                let mut response = answer(request, Caller { client, snapshot: snapshot.clone() }).await;
                if self.needs != Needs::Nothing {
                    // An answer for one client must not be served to another by a shared cache.
                    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
                }
                response
            }
            Err(error) => error.into_response(),
        };
        with_config_header(response, &snapshot)
    }
}

/// Adds the header that names the configuration.
pub fn with_config_header(mut response: Response, snapshot: &Snapshot) -> Response {
    if let Some(version) = snapshot.version_header() {
        response.headers_mut().insert(CONFIG, version);
    }
    response
}

fn admit(guard: &RouteGuard, snapshot: &Snapshot, request: &Request) -> Result<Arc<Client>, Error> {
    let (clients, needs) = (&snapshot.clients, guard.needs);
    if needs == Needs::Nothing {
        return Ok(Arc::new(Client::anonymous()));
    }
    let address = address(clients, request);
    if let Some(address) = address {
        from_here(guard, clients, address)?;
    }
    if needs == Needs::Admin && !clients.admin_enabled() {
        return Err(Error::forbidden("The admin endpoints are off: no key is configured in `auth.admin_keys`."));
    }
    let Some(credential) = credential(request.headers())? else {
        return clients.open_to(needs).ok_or_else(|| {
            let message = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or in `x-api-key` or `x-goog-api-key`.";
            Error::unauthorized(message, None)
        });
    };
    match clients.identify(credential) {
        Some(client) if !client.may_call_from(address) => {
            Err(Error::forbidden("This key may not be used from this address."))
        }
        Some(client) if client.may(needs) => Ok(client),
        Some(_) => Err(Error::forbidden("This key may not be used here.")),
        // Every wrong key gets the same message, so nothing reveals which keys exist.
        None => clients.open_to(needs).ok_or_else(|| {
            let services = &guard.app.services;
            let now = services.clock.now().since_start;
            if let Some(address) =
                address.filter(|address| services.guard.record_failure(*address, clients.blocking(), now))
            {
                services.telemetry.address_blocked(address);
            }
            Error::unauthorized("Incorrect API key provided.", Some("invalid_api_key"))
        }),
    }
}

/// The client's address. None only when the request did not come through our listener.
fn address(clients: &Clients, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let forwarded = request.headers().get_all("x-forwarded-for").iter();
    let forwarded: Vec<&str> =
        forwarded.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    Some(clients.addresses().of(peer.ip(), forwarded.into_iter()))
}

/// Checks whether requests from this address are accepted, regardless of the key.
fn from_here(guard: &RouteGuard, clients: &Clients, address: IpAddr) -> Result<(), Error> {
    if !clients.addresses().may_call(address) {
        return Err(Error::forbidden("Requests from this address are not accepted."));
    }
    let services = &guard.app.services;
    match services.guard.blocked_for(address, clients.blocking(), services.clock.now().since_start) {
        // The key was not checked, so nothing reveals whether it is right.
        Some(rest) => Err(Error::limited("requests", "Too many wrong API keys came from this address.", rest)),
        None => Ok(()),
    }
}

/// Returns the credential of a request.
///
/// # Errors
/// 400 when the request carries two different credentials: choosing either could be a surprise.
fn credential(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let bearer = text("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let found = [bearer, text("x-api-key"), text("x-goog-api-key")];
    let mut found = found.into_iter().flatten().filter(|credential| !credential.is_empty());
    let first = found.next();
    if found.any(|other| Some(other) != first) {
        return Err(Error::invalid("The request has two different API keys. Send one of them."));
    }
    Ok(first)
}
