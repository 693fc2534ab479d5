//! HTTP in, HTTP out: routes from one table, who may use them, and how an answer or an error looks on the wire.
//! Never: a vendor's field, a key's state, a retry.

mod admin;
mod auth;
mod body;
mod connection;
mod door;
mod endpoints;
mod family;
mod form;
mod google;
mod meta;
mod middleware;
mod models;
mod overload;
mod respond;
mod responses;
mod run;
mod tls;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::BoxError;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::from_fn;
use axum::response::Response;
use bytes::Bytes;
use tower::{Service, ServiceBuilder};

use crate::runtime::{Live, Services};

pub use endpoints::{ENDPOINTS, Endpoint, door_at};
pub use run::{Running, run};

/// What every handler may use.
#[derive(Clone)]
pub struct App {
    /// The live configuration.
    pub live: Arc<Live>,
    /// What outlives it.
    pub services: Arc<Services>,
    /// Whether a stop was asked for.
    pub draining: Arc<AtomicBool>,
    /// How much is held of requests.
    bodies: body::Bodies,
    /// Whether there is more to do than can be done.
    overload: overload::Overload,
    /// Those who watch.
    pub feed: Arc<admin::feed::Feed>,
}

impl App {
    /// Before it accepts anything.
    pub fn new(live: Arc<Live>) -> Self {
        let services = live.services().clone();
        Self {
            live,
            services,
            draining: Arc::default(),
            bodies: Default::default(),
            overload: Default::default(),
            feed: Arc::default(),
        }
    }

    /// Whether a stop was asked for.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// The whole HTTP service, for bodies of the listener's kind.
pub fn service<B>(
    app: App,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    ServiceBuilder::new()
        // Before the router, because it changes the path that is routed by.
        .map_request(|request: Request<B>| middleware::tolerate_base_url(request.map(Body::new)))
        .layer(middleware::cors(app.clone()))
        .layer(from_fn(middleware::around))
        .service(endpoints::router(app))
}
