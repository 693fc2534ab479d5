//! In whose words a request is answered when something is wrong: those of the vendor whose clients use the path.

use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;

use super::{endpoints, google, respond};
use crate::error::Error;
use crate::protocol::{Anthropic, Family, Google, OpenAi};

/// Families by how their paths begin, for paths that are no endpoint's. The first that fits counts.
const PATHS: &[(&str, &dyn Family)] =
    &[("/v1/messages", &Anthropic), ("/v1beta", &Google), ("/v1alpha", &Google), ("/upload/v1beta", &Google)];

/// The header that all of Anthropic's clients send.
const ANTHROPIC_VERSION: &str = "anthropic-version";

/// Whose request this is.
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

/// Whose client this is, on a path that several vendors have.
pub fn by_headers(headers: &HeaderMap) -> &'static dyn Family {
    if headers.contains_key(ANTHROPIC_VERSION) {
        return &Anthropic;
    }
    if google::is_asking(headers) { &Google } else { &OpenAi }
}

/// Tells an error in the words of the family whose request it was, wherever it came from.
pub fn in_its_format(mut response: Response, family: &dyn Family, id: &str) -> Response {
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        let mut told = respond::error(&error, family, id);
        // What the layers further in have said stays; the length was that of no body.
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
