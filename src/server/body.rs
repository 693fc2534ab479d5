//! Reads request bodies within limits on size and time, and bounds the memory of all bodies together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::config::ServerSettings;
use crate::error::Error;

/// The most memory reserved in advance for a body that declares its length. Growing a buffer step by step would copy it
/// at each step.
const AHEAD: usize = 1024 * 1024;

/// The largest body that is copied out of the buffer of its connection, in bytes: the buffer's initial size.
const SHORT: usize = 8 * 1024;

/// The number of bytes held by the bodies of all requests.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Arc<AtomicUsize>);

/// The bytes held by one request, returned when its body is dropped.
struct Share {
    bodies: Bodies,
    size: usize,
}

impl Share {
    /// Accounts for bytes that have arrived. An announced length reserves nothing, and a body that is the only one is
    /// never rejected here.
    fn grow(&mut self, more: usize, most: usize) -> Result<(), Error> {
        let before = self.bodies.0.fetch_add(more, Ordering::Relaxed);
        self.size += more;
        if before + more > most && before + more > self.size {
            let mut error = Error::unavailable(
                "overloaded",
                "This server has reached its limit for request bodies. Try again later.",
            );
            error.retry_after = Some(Duration::from_secs(1));
            return Err(error);
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.bodies.0.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// A body that returns its share when the last reference is dropped.
struct Held {
    content: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Bodies {
    /// Reads a body.
    ///
    /// # Errors
    /// 413 when it is too large (before reading, if its declared length says so), 408 when it does not arrive in time,
    /// 503 when all bodies together would exceed the limit.
    pub async fn read(&self, body: Body, headers: &HeaderMap, settings: &ServerSettings) -> Result<Bytes, Error> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > settings.max_body) {
            return Err(Error::too_large(settings.max_body));
        }
        match timeout(settings.body_timeout, self.gather(body, announced, settings)).await {
            Ok(read) => read,
            Err(_) => Err(late(settings.body_timeout)),
        }
    }

    async fn gather(
        &self,
        mut body: Body,
        announced: Option<usize>,
        settings: &ServerSettings,
    ) -> Result<Bytes, Error> {
        let mut share = Share { bodies: self.clone(), size: 0 };
        let mut joined = Vec::new();
        let content = loop {
            let Some(frame) = body.frame().await else { break joined.into() };
            let frame = frame.map_err(|_| Error::invalid("The request body ended early."))?;
            let Ok(data) = frame.into_data() else { continue };
            if share.size + data.len() > settings.max_body {
                return Err(Error::too_large(settings.max_body));
            }
            share.grow(data.len(), settings.max_bodies)?;
            if data.len() > SHORT && data.len() == share.size && body.is_end_stream() {
                // All of it in one piece, which is a part of the connection's buffer.
                break data;
            }
            // Copied at once, so that the connection can read what comes next into the same buffer.
            if joined.is_empty() {
                joined.reserve(announced.unwrap_or_default().min(AHEAD).max(data.len()));
            }
            joined.extend_from_slice(&data);
        };
        Ok(Bytes::from_owner(Held { content, _share: share }))
    }
}

fn late(limit: Duration) -> Error {
    let mut error = Error::invalid(format!("The request body did not arrive within {} seconds.", limit.as_secs()));
    error.status = 408;
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_short_body_is_copied_out_of_its_buffer() {
        let settings = ServerSettings::default();
        for (length, copied) in [(SHORT, true), (SHORT + 1, false)] {
            let sent = Bytes::from(vec![b'x'; length]);
            let read = Bodies::default().read(sent.clone().into(), &HeaderMap::new(), &settings).await.unwrap();
            assert_eq!((read == sent, read.as_ptr() != sent.as_ptr()), (true, copied), "{length}");
        }
    }

    #[tokio::test]
    async fn a_body_is_the_same_however_it_arrives() {
        let sent: Vec<u8> = (0..3 * SHORT).map(|index| index as u8).collect();
        for size in [1000, SHORT, SHORT + 1, 2 * SHORT, 3 * SHORT] {
            let pieces: Vec<_> = sent.chunks(size).map(|piece| Ok::<_, Error>(Bytes::copy_from_slice(piece))).collect();
            let body = Body::from_stream(futures_util::stream::iter(pieces));
            let read = Bodies::default().read(body, &HeaderMap::new(), &ServerSettings::default()).await.unwrap();
            assert!(read == sent, "in pieces of {size}");
        }
    }
}
