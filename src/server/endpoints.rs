//! The table of endpoints: what there is, and who may use it. A route exists only as a row here, and a row without a role
//! does not compile.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};

use super::auth::{Door, require};
use super::{App, admin, chat, edge, meta, models};
use crate::clients::Needs;

/// One endpoint.
pub struct Endpoint {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its path; `{name}` stands for a segment.
    pub path: &'static str,
    /// Who may use it.
    pub needs: Needs,
    /// What it is for, in a few words.
    pub about: &'static str,
    handler: fn() -> MethodRouter<App>,
}

/// All endpoints.
pub const ENDPOINTS: &[Endpoint] = &[
    row("POST", "/v1/chat/completions", Needs::Client, "OpenAI's chat completions, whole and streamed", || {
        post(chat::completions)
    }),
    row("GET", "/v1/models", Needs::Client, "aliases and the models of the pool's keys", || get(models::list)),
    row("GET", "/v1/models/{*id}", Needs::Client, "one model", || get(models::one)),
    row("GET", "/stats", Needs::Client, "what this process has done, and the state of each key", || get(meta::stats)),
    row("GET", "/metrics", Needs::Metrics, "Prometheus metrics", || get(meta::metrics)),
    row("POST", "/admin/reset-key/{prefix}", Needs::Admin, "puts a key back to work", || post(admin::keys::reset)),
    row("POST", "/admin/reload", Needs::Admin, "loads the configuration anew", || post(admin::config::reload)),
    row("POST", "/admin/translate", Needs::Admin, "what a chat request would become, field by field", || {
        post(admin::translate::show)
    }),
    row("GET", "/admin/config", Needs::Admin, "the live configuration, secrets masked", || get(admin::config::show)),
    row("GET", "/admin/keys", Needs::Admin, "the state of each key", || get(admin::keys::list)),
    row("GET", "/", Needs::Nothing, "what this is", || get(meta::info)),
    row("GET", "/health", Needs::Nothing, "how many keys can serve", || get(meta::health)),
    row("GET", "/livez", Needs::Nothing, "whether the process lives", || get(meta::livez)),
    row("GET", "/readyz", Needs::Nothing, "whether it takes requests", || get(meta::readyz)),
];

/// All endpoints, for handlers: the table holds them, so they cannot name it themselves.
pub fn all() -> &'static [Endpoint] {
    ENDPOINTS
}

const fn row(
    method: &'static str,
    path: &'static str,
    needs: Needs,
    about: &'static str,
    handler: fn() -> MethodRouter<App>,
) -> Endpoint {
    Endpoint { method, path, needs, about, handler }
}

/// The router of the table.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let door = Door { app: app.clone(), needs: endpoint.needs };
        router = router.route(endpoint.path, (endpoint.handler)().layer(from_fn_with_state(door, require)));
    }
    router
        .fallback(edge::unknown_path)
        .method_not_allowed_fallback(edge::unknown_method)
        .layer(edge::catch_panic())
        .layer(edge::cors(app.clone()))
        .layer(from_fn(edge::request_id))
        .with_state(app)
}
