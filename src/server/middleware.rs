//! Handling common to all requests: base URL correction, request id, panic recovery, CORS, and errors for unknown paths
//! and methods.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::Service;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::auth::with_config_header;
use super::{App, endpoints, family};
use crate::error::Error;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request id: the client's own if it consists of harmless characters, else a new one that sorts by time.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let harmless = |id: &&str| {
            (1..=128).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        Self(given.filter(harmless).map_or_else(new_id, str::to_owned))
    }

    /// The id that [`around`] has assigned to a request.
    pub fn assigned(mut extensions: Extensions) -> String {
        extensions.remove::<Self>().map_or_else(new_id, |Self(id)| id)
    }
}

/// Makes an id that sorts by time. It is not a secret, so it uses a fast generator and saves a system call per request.
fn new_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let chance = fastrand::u128(..).to_ne_bytes();
    let [.., a, b, c, d, e, f, g, h, i, j] = chance;
    let milliseconds = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[a, b, c, d, e, f, g, h, i, j])
        .into_uuid()
        .simple()
        .to_string()
}

/// Wraps every request. Corrects its path, assigns its id, which the response carries too; turns a panic into a 500 of
/// that request alone; renders errors in the family's format. This is one function because each layer costs every
/// request an allocation and a copy. The service is called at once, so that the future has no room for a request: a
/// connection over HTTP/1.1 keeps that memory. `inner` must always be ready, as a router is.
pub fn around<S>(request: Request, mut inner: S) -> impl Future<Output = Response> + use<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let mut request = tolerate_base_url(request);
    let id = RequestId::of(request.headers());
    let family = family::of(request.method(), request.uri().path(), request.headers());
    request.extensions_mut().insert(id.clone());
    // A service may panic before it returns its future.
    let called = catch_unwind(AssertUnwindSafe(|| AssertUnwindSafe(inner.call(request))));
    async move {
        let answered = match called {
            Ok(called) => called.catch_unwind().await,
            Err(panic) => Err(panic),
        };
        let answered = answered.map_or_else(|_| panicked(), |Ok(response)| response);
        let mut response = family::render_error(answered, family, &id.0);
        if let Ok(value) = HeaderValue::try_from(id.0) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
}

/// The response after a panic. Its message stays in the log.
fn panicked() -> Response {
    Error::internal("Internal error in this server. The log has its location; please report it.").into_response()
}

/// Corrects the request path. Clients disagree on whether the base URL ends in `/v1`, so a path with `/v1` missing or
/// doubled is routed as intended. A trailing slash is ignored.
fn tolerate_base_url(mut request: Request<Body>) -> Request<Body> {
    if let Some(path) = meant(request.uri().path())
        && let Some(uri) = with_path(request.uri(), &path)
    {
        *request.uri_mut() = uri;
    }
    request
}

/// The intended path, if it differs from `path`.
fn meant(path: &str) -> Option<String> {
    // Most requests match the table exactly.
    let known = |path: &str| endpoints::all().iter().any(|endpoint| endpoint.is_at(path));
    if endpoints::all().iter().any(|endpoint| endpoint.path == path) || known(path) {
        return None;
    }
    let trimmed = path.trim_end_matches('/');
    let mut rest = trimmed;
    while let Some(inner) = rest.strip_prefix("/v1").filter(|inner| inner.starts_with('/')) {
        rest = inner;
    }
    let whole = if trimmed.is_empty() { "/" } else { trimmed };
    let other_version = Some(rest).filter(|rest| rest.starts_with("/v1")).map(str::to_owned);
    [Some(whole.to_owned()), Some(format!("/v1{rest}")), other_version, in_beta(trimmed)]
        .into_iter()
        .flatten()
        .find(|path| known(path))
}

/// The same path under v1beta. Google's SDKs also use `v1` and `v1alpha`.
fn in_beta(path: &str) -> Option<String> {
    let (upload, versioned) = path.strip_prefix("/upload").map_or(("", path), |rest| ("/upload", rest));
    let rest = ["/v1alpha/", "/v1/"].iter().find_map(|version| versioned.strip_prefix(version))?;
    Some(format!("{upload}/v1beta/{rest}"))
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// The fallback for an unknown path.
pub async fn unknown_path(State(app): State<App>, method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect::<String>().escape_debug().collect();
    let error = Error::not_found(format!("Invalid URL ({method} {path})")).code("unknown_url");
    with_config_header(error.into_response(), &app.live.snapshot())
}

/// The fallback for a known path with an unsupported method.
pub async fn unknown_method(State(app): State<App>, method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect::<String>().escape_debug().collect();
    let known: Vec<&str> =
        endpoints::all().iter().filter(|endpoint| endpoint.is_at(uri.path())).map(|endpoint| endpoint.method).collect();
    let message = format!("Not allowed to {method} on {path}. Use {}.", known.join(" or "));
    with_config_header(Error::method_not_allowed(message).into_response(), &app.live.snapshot())
}

/// Lets web pages of the configured origins call the server. The list is looked up in the live snapshot for each
/// request.
pub fn cors(app: App) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, _: &axum::http::request::Parts| {
        let snapshot = app.live.snapshot();
        let origins = &snapshot.config.settings.server.cors_origins;
        origins.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, super::auth::CONFIG, super::respond::CACHE])
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::response::Response;
    use tower::service_fn;

    use super::{around, meant};

    #[tokio::test]
    async fn a_panic_is_one_500_and_shows_nothing() {
        async fn fails(_: Request<Body>) -> Result<Response, Infallible> {
            panic!("the words of a panic, with a key in them")
        }
        // Before there is a future.
        fn fails_at_once(_: Request<Body>) -> std::future::Ready<Result<Response, Infallible>> {
            panic!("the words of a panic, with a key in them")
        }
        let ask = || Request::get("/v1/fails").body(Body::empty()).unwrap();
        let answers = [around(ask(), service_fn(fails)).await, around(ask(), service_fn(fails_at_once)).await];
        for response in answers {
            assert_eq!(response.status(), 500);
            assert!(response.headers().contains_key("x-request-id"));
            let body = to_bytes(response.into_body(), 4096).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["error"]["code"], "internal_error");
            assert!(!body.to_string().contains("a key"), "{body}");
        }
    }

    #[test]
    fn base_urls_with_and_without_v1() {
        for (path, expected) in [
            ("/v1/chat/completions", None),
            ("/chat/completions", Some("/v1/chat/completions")),
            ("/v1/v1/chat/completions", Some("/v1/chat/completions")),
            ("/v1/chat/completions/", Some("/v1/chat/completions")),
            ("/models", Some("/v1/models")),
            ("/v1/models/gemini-2.5-pro", None),
            ("/v1/v1/v1/models", Some("/v1/models")),
            ("/stats", None),
            ("/stats/", Some("/stats")),
            ("/", None),
            ("//", Some("/")),
            ("/nothing/", None),
            ("/v1/stats", None),
            ("/v1/files", Some("/v1beta/files")),
            ("/v1alpha/models/m:generateContent", Some("/v1beta/models/m:generateContent")),
            ("/upload/v1/files", Some("/upload/v1beta/files")),
            ("/v1/nothing", None),
            ("/v1", None),
        ] {
            assert_eq!(meant(path).as_deref(), expected, "{path}");
        }
    }
}
