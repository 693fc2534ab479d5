//! `/admin/`: the dashboard, from files that are built in. They contain nothing that is not in the repository: all data
//! is requested with the admin's key.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::secret::Digest;

/// One file of the dashboard.
struct Asset {
    name: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(Asset { name: $name, text: include_str!(concat!("../../../dashboard/", $name)) }),*]
    };
}

const INDEX: &str = "index.html";
const ASSETS: &[Asset] = assets![
    "index.html",
    "app.js",
    "charts.js",
    "dom.js",
    "en.js",
    "feed.js",
    "icon.svg",
    "pools.js",
    "screens/banner.js",
    "screens/config.js",
    "screens/first.js",
    "screens/heat.js",
    "screens/keys.js",
    "screens/latency.js",
    "screens/overview.js",
    "screens/playground.js",
    "screens/plugins.js",
    "screens/requests.js",
    "screens/usage.js",
    "style.css",
    "words.js",
    "zh.js",
];

/// Nothing from other origins, no inline code, no framing, no text turned into script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
];

/// The page itself.
pub async fn index(headers: HeaderMap) -> Response {
    serve(INDEX, &headers)
}

/// A file of the page.
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    serve(&name, &headers)
}

/// Redirects to `/admin/`, where the page's relative URLs resolve correctly.
pub async fn with_slash() -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("admin/"));
    response
}

fn serve(name: &str, headers: &HeaderMap) -> Response {
    static TAGS: LazyLock<Vec<String>> =
        LazyLock::new(|| ASSETS.iter().map(|asset| format!("\"{}\"", Digest::of(asset.text).hex(12))).collect());
    let found = ASSETS.iter().zip(TAGS.iter()).find(|(asset, _)| asset.name == name);
    let Some((asset, tag)) = found else {
        return Error::not_found("The dashboard has no such file.").into_response();
    };
    let held = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if held.is_some_and(|held| held.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(asset.text))
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    // Revalidated each time. The tag makes that cheap, and a new version shows up immediately.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    }
}
