//! An answer of Gemini as it arrives, whole or event by event, with its time limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::Response;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::classify::classify_event;
use super::connections::ResponseBody;
use super::google::chain;
use crate::fault::{Blame, Fault, Kind};
use crate::secret::Secret;
use crate::timer::Timer;
use crate::wire::sse::{self, Event};

/// Bytes that count as progress even without a complete event, as within the event of an image. Fewer might be an
/// endless trickle.
const PROGRESS: usize = 64 * 1024;
/// Largest whole answer, in bytes: enough for an image or two.
pub(super) const LARGEST_ANSWER: usize = 256 * 1024 * 1024;

/// A successful answer being received. Dropping it closes the connection or HTTP/2 stream, so Google stops generating.
#[derive(Debug)]
pub struct Answer {
    body: ResponseBody,
    key: Secret,
    deadline: Instant,
    idle: Duration,
    /// When the last bytes arrived.
    latest: Instant,
    /// When the last complete event, or an amount of data that counts as progress, arrived.
    arrived: Instant,
    /// Bytes received since then that have not completed an event.
    trickled: usize,
    /// The timer for the next event; set once a stream is read.
    timer: Option<Timer>,
    events: sse::Decoder,
    /// Set when nothing more will arrive: a proper end, or the fault that ended it.
    over: Option<Result<(), Fault>>,
}

impl Answer {
    /// An answer whose headers have arrived. `idle` is the longest silence between two events.
    pub(super) fn begin(response: Response<ResponseBody>, key: &Secret, deadline: Instant, idle: Duration) -> Self {
        let now = Instant::now();
        Self {
            body: response.into_body(),
            key: key.clone(),
            deadline,
            idle,
            latest: now,
            arrived: now,
            trickled: 0,
            timer: None,
            events: sse::Decoder::default(),
            over: None,
        }
    }

    /// Returns the whole body.
    ///
    /// # Errors
    /// When it breaks off, takes too long, or turns out to be an error.
    pub async fn whole(&mut self) -> Result<Bytes, Fault> {
        let body = self.read(LARGEST_ANSWER).await?;
        if is_error(&body) {
            return Err(classify_event(&body, &self.key));
        }
        Ok(body)
    }

    /// The next event of a stream; None at its end.
    ///
    /// # Errors
    /// When the stream breaks off, falls silent, or turns out to hold an error.
    pub async fn event(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(event) = self.ready_event()? {
                return Ok(Some(event));
            }
            if let Some(end) = &self.over {
                return end.clone().map(|()| None);
            }
            // Counted from the last event, not from now: the caller may have cancelled this wait and started again.
            let until = self.deadline.min(self.arrived + self.idle);
            let arrived = self.timer.get_or_insert_with(|| Timer::at(until)).until(until, chunk(&mut self.body)).await;
            match arrived {
                Some(arrived) => self.take(arrived),
                None => self.over = Some(Err(timeout_fault("Gemini's stream stalled."))),
            }
        }
    }

    /// Returns an event that has already arrived, without waiting.
    ///
    /// # Errors
    /// When it is an error, or not an event.
    pub fn ready_event(&mut self) -> Result<Option<Bytes>, Fault> {
        let ended = matches!(self.over, Some(Ok(())));
        match self.events.next().or_else(|| if ended { self.events.finish() } else { None }) {
            Some(Event::Data(data)) if is_error(&data) => Err(classify_event(&data, &self.key)),
            Some(Event::Data(data)) => {
                self.progressed();
                Ok(Some(data))
            }
            Some(Event::Stray(text)) if is_error(&text) => Err(classify_event(&text, &self.key)),
            Some(Event::Stray(_)) => {
                let message = "Gemini's stream contains an invalid event.";
                Err(Fault::new(Kind::BrokenAnswer, Blame::Model, message))
            }
            None => Ok(None),
        }
    }

    /// Takes in bytes that have already arrived, without waiting, so that several events can be sent in one write.
    /// Returns whether there were any.
    pub fn take_ready(&mut self) -> bool {
        if self.over.is_some() {
            return false;
        }
        let ready = chunk(&mut self.body).now_or_never();
        ready.map(|arrived| self.take(arrived)).is_some()
    }

    /// When the last event arrived.
    pub fn arrived(&self) -> std::time::Instant {
        self.arrived.into_std()
    }

    fn take(&mut self, arrived: hyper::Result<Option<Bytes>>) {
        self.latest = Instant::now();
        match arrived {
            Ok(Some(chunk)) => {
                self.trickled += chunk.len();
                if self.trickled >= PROGRESS {
                    self.progressed();
                }
                if self.events.push(chunk).is_err() {
                    self.over = Some(Err(too_large()));
                }
            }
            Ok(None) => self.over = Some(Ok(())),
            Err(error) => self.over = Some(Err(broken_off(&error))),
        }
    }

    fn progressed(&mut self) {
        (self.arrived, self.trickled) = (self.latest, 0);
    }

    /// Reads the rest as one document of at most `limit` bytes.
    pub(super) async fn read(&mut self, limit: usize) -> Result<Bytes, Fault> {
        let announced = self.body.size_hint().exact();
        let mut body = BytesMut::new();
        loop {
            let until = self.deadline.min(Instant::now() + self.idle);
            match timeout_at(until, chunk(&mut self.body)).await {
                // A body that arrives in one piece is not copied.
                Ok(Ok(Some(chunk))) if body.is_empty() && announced == Some(chunk.len() as u64) => return Ok(chunk),
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > limit => return Err(too_large()),
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(error)) => return Err(broken_off(&error)),
                Err(_) => return Err(timeout_fault("Gemini's answer did not arrive in time.")),
            }
        }
    }
}

/// The next chunk of the body; None at its end.
async fn chunk(body: &mut ResponseBody) -> hyper::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        // Ignore trailers.
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Whether a document is Google's error object, bare or in an array, rather than an answer.
fn is_error(document: &[u8]) -> bool {
    let inner = document.trim_ascii_start();
    let inner = inner.strip_prefix(b"[").unwrap_or(inner).trim_ascii_start();
    inner.strip_prefix(b"{").is_some_and(|inner| inner.trim_ascii_start().starts_with(br#""error""#))
}

fn broken_off(error: &hyper::Error) -> Fault {
    tracing::debug!(error = %chain(error), "an upstream answer was cut off");
    Fault::new(Kind::Truncated, Blame::Endpoint, "The connection to Gemini broke in the middle of the answer.")
}

pub(super) fn timeout_fault(message: &str) -> Fault {
    Fault::new(Kind::Timeout, Blame::Model, message)
}

fn too_large() -> Fault {
    Fault::new(Kind::BrokenAnswer, Blame::Model, "Gemini's answer is larger than this server accepts.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_answers() {
        for (document, error) in [
            (r#"{"error":{}}"#, true),
            ("[{\n  \"error\": {}", true),
            (" { \"error\" : {", true),
            (r#"{"candidates":[{"error":1}]}"#, false),
            ("", false),
        ] {
            assert_eq!(is_error(document.as_bytes()), error, "{document}");
        }
    }
}
