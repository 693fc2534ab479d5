//! The table of endpoints: method, path, required permission and handler or protocol. Every route is a row of this
//! table, and a row without a permission does not compile.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, patch, post};
use axum::{Extension, Router};

use super::auth::{Caller, RouteGuard, require};
use super::dispatch::{self, IncomingRequest};
use super::{App, admin, google, meta, middleware, models, responses};
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
    door("/v1/chat/completions", &OpenAiChat, "OpenAI's chat completions, whole and streamed"),
    door(
        "/v1beta/models/{*id}",
        &Gemini,
        "Gemini's own API, as it is: generateContent and the other methods of models",
    ),
    door("/v1/models/{*id}", &Gemini, "the same, as Google's SDKs call it"),
    door("/v1beta/tunedModels/{*id}", &Gemini, "the same, of tuned models"),
    door("/v1/embeddings", &OpenAiEmbeddings, "vectors of texts"),
    door("/v1/images/generations", &OpenAiImages::Generations, "pictures from a prompt"),
    door("/v1/images/edits", &OpenAiImages::Edits, "pictures after other pictures"),
    door("/v1/audio/speech", &OpenAiSpeech, "a text read aloud"),
    door("/v1/audio/transcriptions", &OpenAiTranscriptions::Transcriptions, "a sound written down"),
    door("/v1/audio/translations", &OpenAiTranscriptions::Translations, "a sound written down in English"),
    door("/v1/responses", &OpenAiResponses, "OpenAI's responses, whole and streamed"),
    row("GET", "/v1/responses/{id}", Needs::Client, "a response that was kept", || get(responses::one)),
    row("DELETE", "/v1/responses/{id}", Needs::Client, "forgets it", || delete(responses::forget)),
    row("GET", "/v1/responses/{id}/input_items", Needs::Client, "what it answered", || get(responses::input_items)),
    door("/v1/messages", &AnthropicMessages, "Anthropic's messages, whole and streamed"),
    door("/v1/messages/count_tokens", &AnthropicCount, "how many tokens a request to /v1/messages has"),
    door("/v1/completions", &OpenAiCompletions, "OpenAI's older completions, whole and streamed"),
    row("POST", "/v1/moderations", Needs::Client, "says why there are none", || post(meta::no_moderations)),
    row("GET", "/v1/models", Needs::Client, "aliases and the models of the pool's keys", || get(models::list)),
    row("GET", "/v1/models/{*id}", Needs::Client, "one model", || get(models::one)),
    row("GET", "/v1beta/models", Needs::Client, "Google's models, as Google lists them", || get(google::models::list)),
    row("GET", "/v1beta/models/{*id}", Needs::Client, "one of Google's models", || get(google::models::one)),
    row("POST", "/v1beta/cachedContents", Needs::Client, "keeps contents at Google", || post(google::caches::create)),
    row("GET", "/v1beta/cachedContents", Needs::Client, "the client's cached contents", || get(google::caches::list)),
    row("GET", "/v1beta/cachedContents/{id}", Needs::Client, "one of them", || get(google::caches::one)),
    row("PATCH", "/v1beta/cachedContents/{id}", Needs::Client, "keeps it longer", || patch(google::caches::one)),
    row("DELETE", "/v1beta/cachedContents/{id}", Needs::Client, "takes it away", || delete(google::caches::one)),
    row("POST", "/upload/v1beta/files", Needs::Client, "begins to upload a file to Google", || {
        post(google::upload::begin)
    }),
    row("POST", "/upload/v1beta/files/{token}", Needs::Nothing, "a piece of it, for who knows the token", || {
        post(google::upload::piece)
    }),
    row("GET", "/v1beta/files", Needs::Client, "the client's files at Google", || get(google::files::list)),
    row("GET", "/v1beta/files/{id}", Needs::Client, "one of them", || get(google::files::one)),
    row("DELETE", "/v1beta/files/{id}", Needs::Client, "takes it away", || delete(google::files::one)),
    row("GET", "/stats", Needs::Client, "what this process has done, and the state of each key", || get(meta::stats)),
    row("GET", "/metrics", Needs::Metrics, "Prometheus metrics", || get(meta::metrics)),
    row("POST", "/admin/reset-key/{prefix}", Needs::Admin, "puts a key back to work", || post(admin::keys::reset)),
    row("POST", "/admin/reload", Needs::Admin, "loads the configuration anew", || post(admin::config::reload)),
    row("POST", "/admin/translate", Needs::Admin, "what a request would become, field by field", || {
        post(admin::translate::show)
    }),
    row("GET", "/admin/config", Needs::Admin, "the live configuration, secrets masked", || get(admin::config::show)),
    row("GET", "/admin/config/history", Needs::Admin, "the configurations that were accepted", || {
        get(admin::config::history)
    }),
    row("POST", "/admin/config/trial", Needs::Admin, "what a reload would change, or be refused for", || {
        post(admin::config::trial)
    }),
    row("POST", "/admin/config/rollback/{generation}", Needs::Admin, "back to an earlier configuration", || {
        post(admin::config::rollback)
    }),
    row("POST", "/admin/cache/clear", Needs::Admin, "forgets all kept answers", || post(admin::cache::clear)),
    row("GET", "/admin/clients", Needs::Admin, "what each client may use, and has used", || get(admin::clients::list)),
    row("GET", "/admin/keys", Needs::Admin, "the state of each key for each model", || get(admin::keys::list)),
    row("POST", "/admin/keys/{id}/{action}", Needs::Admin, "reset (?model=…), disable, enable or test a key", || {
        post(admin::keys::act)
    }),
    row("GET", "/admin", Needs::Nothing, "leads to the dashboard", || get(admin::page::with_slash)),
    row("GET", "/admin/", Needs::Nothing, "the dashboard; it asks for an admin key", || get(admin::page::index)),
    row("GET", "/admin/page/{*file}", Needs::Nothing, "its files", || get(admin::page::file)),
    row("GET", "/admin/events", Needs::Admin, "what changes, as events: the dashboard lives from it", || {
        get(admin::feed::watch)
    }),
    row("GET", "/admin/requests", Needs::Admin, "requests under way, and the last that are over", || {
        get(admin::requests::list)
    }),
    row(
        "GET",
        "/admin/explain/{id}",
        Needs::Admin,
        "how one request went: attempts, faults, rests, plugins, times",
        || get(admin::requests::explain),
    ),
    row("GET", "/admin/capsule/{id}", Needs::Admin, "one request to be reproduced elsewhere, secrets masked", || {
        get(admin::capsule::show)
    }),
    row("GET", "/admin/usage", Needs::Admin, "what was used: by client, by key, by model, by day", || {
        get(admin::requests::usage)
    }),
    row("GET", "/admin/latencies", Needs::Admin, "how long answers and first contents take, by model", || {
        get(admin::requests::latencies)
    }),
    row("GET", "/", Needs::Nothing, "what this is", || get(meta::info)),
    row("GET", "/health", Needs::Nothing, "how many keys can serve", || get(meta::health)),
    row("GET", "/livez", Needs::Nothing, "whether the process lives", || get(meta::livez)),
    row("GET", "/readyz", Needs::Nothing, "whether it takes requests", || get(meta::readyz)),
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

    fn route(&self) -> MethodRouter<App> {
        match self.behind {
            Behind::Handler(handler) => handler(),
            Behind::Protocol(protocol) => {
                let path = self.path;
                let open = move |State(app): State<App>,
                                 caller: Caller,
                                 Extension(id): Extension<middleware::RequestId>,
                                 uri: Uri,
                                 headers: HeaderMap,
                                 content: Body| {
                    dispatch::answer(app, IncomingRequest { caller, id, uri, headers, content }, protocol, path)
                };
                post(open)
            }
        }
    }
}

/// Builds the router from the table. No other code adds routes; a test checks this.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let guard = RouteGuard { app: app.clone(), needs: endpoint.needs };
        router = router.route(endpoint.path, endpoint.route().layer(from_fn_with_state(guard, require)));
    }
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
