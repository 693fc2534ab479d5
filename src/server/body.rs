//! A request's body, within its limits of size and time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use tokio::time::timeout;

use crate::config::ServerSettings;
use crate::error::Error;

/// Reads the body.
///
/// # Errors
/// 413 when it is too large, before it is read where it says so itself; 408 when it does not come.
pub async fn read(body: Body, headers: &HeaderMap, settings: &ServerSettings) -> Result<Bytes, Error> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > settings.max_body) {
        return Err(Error::too_large(settings.max_body));
    }
    match timeout(settings.body_timeout, to_bytes(body, settings.max_body)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_limit(&error) => Err(Error::too_large(settings.max_body)),
        Ok(Err(_)) => Err(Error::invalid("The request body broke off before its end.")),
        Err(_) => Err(late(settings.body_timeout)),
    }
}

fn is_limit(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

fn late(limit: Duration) -> Error {
    let mut error = Error::invalid(format!("The request body did not arrive within {} seconds.", limit.as_secs()));
    error.status = 408;
    error
}
