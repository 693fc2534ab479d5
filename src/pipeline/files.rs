//! Fetches the files that a request refers to by URL, once, before any attempt.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::Exchange;
use crate::error::Error;
use crate::protocol::{Accepted, Files};

/// Fetches all files concurrently.
///
/// # Errors
/// 400, naming the field, when a file may not or cannot be fetched. The message is the same for every reason.
pub async fn fetch(exchange: &Exchange, accepted: &dyn Accepted) -> Result<Files, Error> {
    let media = &exchange.snapshot.media;
    let named = accepted.remote_files();
    if !media.is_enabled() || named.is_empty() {
        return Ok(Files::Refused);
    }
    if named.len() > media.per_request() {
        let message = format!(
            "The request names {} remote files; at most {} are fetched per request.",
            named.len(),
            media.per_request()
        );
        let first_too_many = named.into_iter().nth(media.per_request()).map(|file| file.param).unwrap_or_default();
        return Err(Error::invalid(message).param(first_too_many).code("too_many_images"));
    }
    let fetched = join_all(named.iter().map(|file| media.fetch(&file.url))).await;
    let mut files = HashMap::new();
    for (name, file) in named.into_iter().zip(fetched) {
        let Some(file) = file else {
            let message = format!("Invalid '{}': the file could not be fetched. {}", name.param, media.terms());
            return Err(Error::invalid(message).param(name.param).code("invalid_image_url"));
        };
        files.insert(name.url, (file.mime_type, file.data));
    }
    Ok(Files::Fetched(files))
}
