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

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::Either;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

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

/// Answers requests, whichever connection they come from.
pub struct RequestHandler {
    app: App,
    router: Router,
    cors: CorsLayer,
}

impl RequestHandler {
    /// The handler of all endpoints.
    pub fn new(app: App) -> Self {
        Self { router: endpoints::router(app.clone()), cors: middleware::cors(app.clone()), app }
    }

    /// Answers a request. An error is an answer, too.
    pub fn answer(&self, request: Request) -> impl Future<Output = Response> + Send + use<> {
        let router = self.router.clone();
        // Only where web pages may call: the layer costs every request copies.
        let pages = !self.app.live.snapshot().config.settings.server.cors_origins.is_empty();
        if pages || request.method() == Method::OPTIONS {
            let around =
                service_fn(move |request| middleware::around(request, router.clone()).map(Ok::<_, Infallible>));
            let answer = Box::pin(self.cors.clone().layer(around).oneshot(request));
            return Either::Left(answer.map(|answer| answer.unwrap_or_else(|never| match never {})));
        }
        Either::Right(middleware::around(request, router))
    }
}
