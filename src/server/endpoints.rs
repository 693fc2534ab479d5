//! The table of endpoints: method, path, required permission and handler or protocol. Every route is a row of this
//! table, and a row without a permission does not compile.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodRouter, delete, get, patch, post};

use super::auth::{Caller, RouteGuard};
use super::{App, admin, dispatch, google, meta, middleware, models, responses};
use crate::clients::Needs;
use crate::protocol::Protocol;
use crate::protocol::anthropic::{AnthropicCount, AnthropicMessages};
use crate::protocol::gemini::Gemini;
use crate::protocol::openai_chat::OpenAiChat;
use crate::protocol::openai_completions::OpenAiCompletions;
use crate::protocol::openai_embeddings::OpenAiEmbeddings;
use crate::protocol::openai_images::OpenAiImages;
use crate::protocol::openai_responses::OpenAiResponses;
use crate::protocol::openai_speech::OpenAiSpeech;
use crate::protocol::openai_transcriptions::OpenAiTranscriptions;

/// One endpoint.
pub struct Endpoint {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path. `{name}` matches one segment, `{*name}` all that follow.
    pub path: &'static str,
    /// The permission it requires.
    pub needs: Needs,
    /// A short description.
    pub about: &'static str,
    behind: Behind,
}

/// What handles an endpoint.
#[derive(Clone, Copy)]
enum Behind {
    /// A model endpoint with this protocol.
    Protocol(&'static dyn Protocol),
    /// A handler of the server's own.
    Handler(fn() -> MethodRouter<App>),
}

/// All endpoints.
pub const ENDPOINTS: &[Endpoint] = &[
    door("/v1/chat/completions", &OpenAiChat, "OpenAI chat completions, streamed or not"),
    door(
        "/v1beta/models/{*id}",
        &Gemini,
        "Gemini's native API, passed through: generateContent and the other model methods",
    ),
    door("/v1/models/{*id}", &Gemini, "the same, at the path that Google's SDKs use"),
    door("/v1beta/tunedModels/{*id}", &Gemini, "the same, for tuned models"),
    door("/v1/embeddings", &OpenAiEmbeddings, "OpenAI embeddings"),
    door("/v1/images/generations", &OpenAiImages::Generations, "OpenAI images: generates images from a prompt"),
    door("/v1/images/edits", &OpenAiImages::Edits, "OpenAI images: edits images"),
    door("/v1/audio/speech", &OpenAiSpeech, "OpenAI text to speech"),
    door("/v1/audio/transcriptions", &OpenAiTranscriptions::Transcriptions, "OpenAI speech to text"),
    door(
        "/v1/audio/translations",
        &OpenAiTranscriptions::Translations,
        "OpenAI speech to text, translated into English",
    ),
    door("/v1/responses", &OpenAiResponses, "OpenAI responses, streamed or not"),
    row("GET", "/v1/responses/{id}", Needs::Client, "a stored response", || get(responses::one)),
    row("DELETE", "/v1/responses/{id}", Needs::Client, "deletes it", || delete(responses::forget)),
    row("GET", "/v1/responses/{id}/input_items", Needs::Client, "the input items it answered", || {
        get(responses::input_items)
    }),
    door("/v1/messages", &AnthropicMessages, "Anthropic messages, streamed or not"),
    door("/v1/messages/count_tokens", &AnthropicCount, "counts the tokens of a request to /v1/messages"),
    door("/v1/completions", &OpenAiCompletions, "OpenAI legacy completions, streamed or not"),
    row("POST", "/v1/moderations", Needs::Client, "always an error: Gemini has no moderations", || {
        post(meta::no_moderations)
    }),
    row("GET", "/v1/models", Needs::Client, "the aliases and the models of the pool's keys", || get(models::list)),
    row("GET", "/v1/models/{*id}", Needs::Client, "one model", || get(models::one)),
    row("GET", "/v1beta/models", Needs::Client, "Google's models, in Google's format", || get(google::models::list)),
    row("GET", "/v1beta/models/{*id}", Needs::Client, "one of Google's models", || get(google::models::one)),
    row("POST", "/v1beta/cachedContents", Needs::Client, "caches contents at Google", || post(google::caches::create)),
    row("GET", "/v1beta/cachedContents", Needs::Client, "the client's cached contents", || get(google::caches::list)),
    row("GET", "/v1beta/cachedContents/{id}", Needs::Client, "one of them", || get(google::caches::one)),
    row("PATCH", "/v1beta/cachedContents/{id}", Needs::Client, "extends its lifetime", || patch(google::caches::one)),
    row("DELETE", "/v1beta/cachedContents/{id}", Needs::Client, "deletes it", || delete(google::caches::one)),
    row("POST", "/upload/v1beta/files", Needs::Client, "starts a file upload to Google", || {
        post(google::upload::begin)
    }),
    row(
        "POST",
        "/upload/v1beta/files/{token}",
        Needs::Nothing,
        "a chunk of the upload; the token authorises it",
        || post(google::upload::piece),
    ),
    row("GET", "/v1beta/files", Needs::Client, "the client's files at Google", || get(google::files::list)),
    row("GET", "/v1beta/files/{id}", Needs::Client, "one of them", || get(google::files::one)),
    row("DELETE", "/v1beta/files/{id}", Needs::Client, "deletes it", || delete(google::files::one)),
    row("GET", "/stats", Needs::Client, "counters of this process, and the state of each key", || get(meta::stats)),
    row("GET", "/metrics", Needs::Metrics, "Prometheus metrics", || get(meta::metrics)),
    row("POST", "/admin/reset-key/{prefix}", Needs::Admin, "returns a key to service", || post(admin::keys::reset)),
    row("POST", "/admin/reload", Needs::Admin, "reloads the configuration", || post(admin::config::reload)),
    row("POST", "/admin/translate", Needs::Admin, "how a request would be translated, field by field", || {
        post(admin::translate::show)
    }),
    row("GET", "/admin/config", Needs::Admin, "the live configuration, with secrets masked", || {
        get(admin::config::show)
    }),
    row("GET", "/admin/config/history", Needs::Admin, "the accepted configurations", || get(admin::config::history)),
    row("POST", "/admin/config/trial", Needs::Admin, "what a reload would change, or why it would be rejected", || {
        post(admin::config::trial)
    }),
    row("POST", "/admin/config/rollback/{generation}", Needs::Admin, "restores an earlier configuration", || {
        post(admin::config::rollback)
    }),
    row("POST", "/admin/cache/clear", Needs::Admin, "clears the answer cache", || post(admin::cache::clear)),
    row("GET", "/admin/clients", Needs::Admin, "the limits and the usage of each client", || get(admin::clients::list)),
    row("GET", "/admin/keys", Needs::Admin, "the state of each key for each model", || get(admin::keys::list)),
    row("POST", "/admin/keys/{id}/{action}", Needs::Admin, "reset (?model=…), disable, enable or test a key", || {
        post(admin::keys::act)
    }),
    row("GET", "/admin", Needs::Nothing, "redirects to the dashboard", || get(admin::page::with_slash)),
    row("GET", "/admin/", Needs::Nothing, "the dashboard; it prompts for an admin key", || get(admin::page::index)),
    row("GET", "/admin/page/{*file}", Needs::Nothing, "the dashboard's files", || get(admin::page::file)),
    row("GET", "/admin/events", Needs::Admin, "changes as server-sent events, for the dashboard", || {
        get(admin::feed::watch)
    }),
    row("GET", "/admin/requests", Needs::Admin, "requests in flight, and the most recent finished ones", || {
        get(admin::requests::list)
    }),
    row(
        "GET",
        "/admin/explain/{id}",
        Needs::Admin,
        "details of one request: attempts, faults, cooldowns, plugins, times",
        || get(admin::requests::explain),
    ),
    row("GET", "/admin/capsule/{id}", Needs::Admin, "one request, to reproduce it elsewhere; secrets masked", || {
        get(admin::capsule::show)
    }),
    row("GET", "/admin/usage", Needs::Admin, "usage by client, key, model and day", || get(admin::requests::usage)),
    row(
        "GET",
        "/admin/latencies",
        Needs::Admin,
        "time to the complete answer and to the first content, by model",
        || get(admin::requests::latencies),
    ),
    row("GET", "/", Needs::Nothing, "about this server", || get(meta::info)),
    row("GET", "/health", Needs::Nothing, "the number of usable keys", || get(meta::health)),
    row("GET", "/livez", Needs::Nothing, "liveness probe", || get(meta::livez)),
    row("GET", "/readyz", Needs::Nothing, "readiness probe: whether the server accepts requests", || get(meta::readyz)),
];

/// Returns all endpoints. Handlers use this because the table refers to them and they cannot refer to the constant.
pub fn all() -> &'static [Endpoint] {
    ENDPOINTS
}

/// A model endpoint.
const fn door(path: &'static str, protocol: &'static dyn Protocol, about: &'static str) -> Endpoint {
    Endpoint { method: "POST", path, needs: Needs::Client, about, behind: Behind::Protocol(protocol) }
}

/// The model endpoint at this path: its path pattern and its protocol.
pub fn door_at(path: &str) -> Option<(&'static str, &'static dyn Protocol)> {
    ENDPOINTS.iter().filter(|endpoint| endpoint.is_at(path)).find_map(|endpoint| match endpoint.behind {
        Behind::Protocol(protocol) => Some((endpoint.path, protocol)),
        Behind::Handler(_) => None,
    })
}

const fn row(
    method: &'static str,
    path: &'static str,
    needs: Needs,
    about: &'static str,
    handler: fn() -> MethodRouter<App>,
) -> Endpoint {
    Endpoint { method, path, needs, about, behind: Behind::Handler(handler) }
}

impl Endpoint {
    /// Whether this path matches the endpoint.
    pub fn is_at(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        for wanted in self.path.split('/') {
            match segments.next() {
                Some(found) if wanted.starts_with("{*") => return !found.is_empty(),
                Some(found) if wanted == found || (wanted.starts_with('{') && !found.is_empty()) => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }

    /// Its handler behind its guard.
    fn route(&self, app: App) -> MethodRouter<App> {
        let guard = Arc::new(RouteGuard { app, needs: self.needs });
        match self.behind {
            Behind::Handler(handler) => handler().layer(from_fn(move |request: Request, next: Next| {
                let guard = guard.clone();
                let extended = |mut request: Request, caller: Caller| {
                    request.extensions_mut().insert(caller);
                    next.run(request)
                };
                async move { guard.protect(request, extended).await }
            })),
            // Without a layer, which would cost each request allocations and copies.
            Behind::Protocol(protocol) => {
                let path = self.path;
                post(move |request: Request| {
                    let guard = guard.clone();
                    async move {
                        let answer = |request, caller| dispatch::answer(&guard.app, request, caller, protocol, path);
                        guard.protect(request, answer).await
                    }
                })
            }
        }
    }
}

/// Builds the router from the table. No other code adds routes; a test checks this.
pub fn router(app: App) -> Router {
    let router = ENDPOINTS
        .iter()
        .fold(Router::new(), |router, endpoint| router.route(endpoint.path, endpoint.route(app.clone())));
    router.fallback(middleware::unknown_path).method_not_allowed_fallback(middleware::unknown_method).with_state(app)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_table() {
        let at = |path: &str| ENDPOINTS.iter().find(|endpoint| endpoint.is_at(path)).map(|endpoint| endpoint.path);
        for (path, expected) in [
            ("/v1/chat/completions", Some("/v1/chat/completions")),
            ("/v1/models/gpt-4o", Some("/v1/models/{*id}")),
            ("/v1/models/a/b", Some("/v1/models/{*id}")),
            ("/v1/models/", None),
            ("/admin/reset-key/ab", Some("/admin/reset-key/{prefix}")),
            ("/admin/reset-key/ab/c", None),
            ("/", Some("/")),
            ("/v1", None),
        ] {
            assert_eq!(at(path), expected, "{path}");
        }
    }
}
