//! The HTTP server: one table of routes, access control, and the wire format of answers and errors.
//! Never: vendor-specific fields, key state, retries.

mod admin;
mod auth;
mod body;
mod connection;
mod dispatch;
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
use axum::response::Response;
use bytes::Bytes;
use tower::{Service, ServiceBuilder};

use crate::runtime::{Live, Services};

pub use endpoints::{ENDPOINTS, Endpoint, door_at};
pub use run::{Running, run};

/// State shared by all handlers.
#[derive(Clone)]
pub struct App {
    /// The live configuration.
    pub live: Arc<Live>,
    /// Services that outlive a configuration.
    pub services: Arc<Services>,
    /// Whether a stop was requested.
    pub draining: Arc<AtomicBool>,
    /// Memory held by request bodies.
    bodies: body::Bodies,
    /// Overload detection.
    overload: overload::Overload,
    /// The feed of the dashboard's watchers.
    pub feed: Arc<admin::feed::Feed>,
}

impl App {
    /// Creates the state. Nothing is accepted yet.
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

    /// Whether a stop was requested.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// The complete HTTP service, for the listener's body type.
pub fn service<B>(
    app: App,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let router = endpoints::router(app.clone());
    let answer = move |request: Request<B>| middleware::around(request.map(Body::new), router.clone());
    ServiceBuilder::new().layer(middleware::cors(app)).service_fn(answer)
}
