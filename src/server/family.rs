//! Chooses the vendor format of an error: that of the vendor whose clients use the path.

use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;

use super::{endpoints, google, respond};
use crate::error::Error;
use crate::protocol::{Anthropic, Family, Google, OpenAi};

/// Families by path prefix, for paths that are not model endpoints. The first match wins.
const PATHS: &[(&str, &dyn Family)] =
    &[("/v1/messages", &Anthropic), ("/v1beta", &Google), ("/v1alpha", &Google), ("/upload/v1beta", &Google)];

/// A header that all Anthropic clients send.
const ANTHROPIC_VERSION: &str = "anthropic-version";

/// The family of a request.
pub fn of(method: &Method, path: &str, headers: &HeaderMap) -> &'static dyn Family {
    if method == Method::POST
        && let Some((_, protocol)) = endpoints::door_at(path)
    {
        return protocol.family();
    }
    match PATHS.iter().find(|(start, _)| path.starts_with(start)) {
        Some((_, family)) => *family,
        None => by_headers(headers),
    }
}

/// The family of the client, on a path that several vendors share.
pub fn by_headers(headers: &HeaderMap) -> &'static dyn Family {
    if headers.contains_key(ANTHROPIC_VERSION) {
        return &Anthropic;
    }
    if google::is_google_sdk(headers) { &Google } else { &OpenAi }
}

/// Renders an error in the family's format, wherever it arose, and adds the family's request id header.
pub fn render_error(mut response: Response, family: &dyn Family, id: &str) -> Response {
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        let mut told = respond::error(&error, family, id);
        // Keep headers set by inner layers, except the length, which is that of the empty body.
        let said = std::mem::take(response.headers_mut());
        told.headers_mut().extend(said.into_iter().filter(|(name, _)| name.as_ref() != Some(&CONTENT_LENGTH)));
        response = told;
    }
    if let Some(name) = family.id_header()
        && let Ok(value) = HeaderValue::from_str(id)
    {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}
