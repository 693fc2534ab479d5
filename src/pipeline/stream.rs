//! Sends a streamed answer to the client.
//!
//! A single event is sent immediately. Events that arrive together are sent in one write, since a write costs more than
//! a translation.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use super::attempt::{OpenStream, mid_stream_error};
use super::{Content, Exchange};
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::Protocol;
use crate::telemetry::Outcome;
use crate::timer::Timer;

/// Maximum size of one write, in bytes.
const LARGEST_WRITE: usize = 32 * 1024;

/// The future that processes a request that has not been answered yet.
type Story = Pin<Box<dyn Future<Output = Result<Content, Error>> + Send>>;

/// A stream that failed in a format without error events. The connection is aborted, so that no client takes a partial
/// answer for a complete one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer was cut off")
    }
}

impl std::error::Error for BrokenOff {}

/// The error for a client whose answer is cut off because the server is stopping.
pub(super) fn stopping() -> Error {
    let message = "This server is stopping and cannot finish this answer. The output so far is valid but incomplete.";
    let mut error = Error::unavailable("shutting_down", message);
    error.retry_after = Some(Duration::from_secs(1));
    error
}

type Piece = Result<Bytes, BrokenOff>;

/// The events sent to a client. Dropping the stream, as the server does when the client disconnects, also cancels the
/// upstream call.
pub struct EventStream(Pin<Box<dyn Stream<Item = Piece> + Send>>);

impl EventStream {
    /// A stream whose whole content is known in advance.
    pub fn of(body: Bytes) -> Self {
        Self(Box::pin(futures_util::stream::iter([Ok(body)])))
    }

    /// A stream that has produced its first content.
    pub(super) fn live(mut exchange: Box<Exchange>, begun: Box<OpenStream>) -> Self {
        exchange.settled();
        let stop = Box::pin(exchange.services.stop.requested());
        // Boxed, because it moves into the future of each piece and back.
        let silence = Timer::at(Instant::now() + exchange.keep_alive());
        let mut live = Box::new(Live { exchange, begun, broken: false, silence, stop });
        if live.begun.ended {
            live.finish(Outcome::Answered);
        }
        Self(Box::pin(unfold(live, |mut live| async move { live.next().await.map(|piece| (piece, live)) })))
    }

    /// A stream that is still silent. It sends keep-alive messages until the request has an answer.
    pub(super) fn opening(
        story: Story,
        protocol: &'static dyn Protocol,
        word: &'static [u8],
        keep_alive: Duration,
    ) -> Self {
        let opening = Opening::Silent(Silent { story, protocol, word, keep_alive, greeted: false });
        Self(Box::pin(unfold(opening, |opening| opening.next())))
    }
}

impl Stream for EventStream {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

enum Opening {
    Silent(Silent),
    Open(EventStream),
    Over,
}

/// A stream that has no content yet.
struct Silent {
    story: Story,
    protocol: &'static dyn Protocol,
    /// The keep-alive message.
    word: &'static [u8],
    keep_alive: Duration,
    greeted: bool,
}

impl Opening {
    async fn next(self) -> Option<(Piece, Self)> {
        match self {
            Self::Silent(mut silent) => {
                let word = Bytes::from_static(silent.word);
                if !std::mem::replace(&mut silent.greeted, true) {
                    return Some((Ok(word), Self::Silent(silent)));
                }
                match timeout(silent.keep_alive, &mut silent.story).await {
                    Err(_) => Some((Ok(word), Self::Silent(silent))),
                    Ok(Ok(Content::Stream(stream))) => Box::pin(Self::Open(stream).next()).await,
                    Ok(Ok(Content::Whole(body))) => Some((Ok(body), Self::Over)),
                    // The status has already been sent, so the error becomes the last event of the stream.
                    Ok(Err(error)) => Some((Ok(silent.protocol.error_event(&error)), Self::Over)),
                }
            }
            Self::Open(mut stream) => {
                let next = std::future::poll_fn(|context| stream.0.as_mut().poll_next(context)).await;
                next.map(|piece| (piece, Self::Open(stream)))
            }
            Self::Over => None,
        }
    }
}

/// A stream that has started.
struct Live {
    exchange: Box<Exchange>,
    begun: Box<OpenStream>,
    broken: bool,
    /// Fires when the next keep-alive message is due.
    silence: Timer,
    /// Completes when the server must end the stream.
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Accounts for the tokens used so far when the client disconnects.
impl Drop for Live {
    fn drop(&mut self) {
        self.exchange.used(&self.begun.reply.usage(), self.begun.lease.as_mut());
    }
}

impl Live {
    async fn next(&mut self) -> Option<Piece> {
        if !self.begun.out.is_empty() {
            self.exchange.record.first_token();
            return Some(Ok(self.written()));
        }
        while !self.begun.ended && self.begun.out.is_empty() {
            let until = Instant::now() + self.exchange.keep_alive();
            let arrived = tokio::select! {
                biased;
                arrived = self.silence.until(until, self.begun.answer.event()) => arrived,
                () = &mut self.stop => {
                    self.fail(stopping());
                    continue;
                }
            };
            match arrived {
                None => match self.exchange.known.form().keep_alive {
                    b"" => {}
                    word => return Some(Ok(Bytes::from_static(word))),
                },
                Some(arrived) => self.take(arrived),
            }
        }
        self.gather();
        if self.begun.out.is_empty() && std::mem::take(&mut self.broken) {
            // The server drops what it has not written when it is told. While it waits, it writes.
            yield_now().await;
            return Some(Err(BrokenOff));
        }
        (!self.begun.out.is_empty()).then(|| Ok(self.written()))
    }

    /// Translates everything that has already arrived.
    fn gather(&mut self) {
        loop {
            while !self.begun.ended && self.begun.out.len() < LARGEST_WRITE {
                match self.begun.answer.ready_event() {
                    Ok(None) => break,
                    arrived => self.take(arrived),
                }
            }
            let full = self.begun.ended || self.begun.out.len() >= LARGEST_WRITE;
            if full || !self.begun.answer.take_ready() {
                return;
            }
        }
    }

    /// Translates one arrival: an event, the end, or a fault.
    fn take(&mut self, arrived: Result<Option<Bytes>, Fault>) {
        let OpenStream { answer, reply, out, ended, .. } = &mut *self.begun;
        if let Ok(Some(event)) = &arrived {
            self.exchange.record.received_event(answer.arrived(), event);
        }
        let translated = match arrived {
            Ok(Some(event)) => {
                self.exchange.arrived(&event);
                match self.exchange.session.on_chunk(event) {
                    Ok(Some(event)) => reply.event(&event, out),
                    Ok(None) => Ok(()),
                    Err(error) => return self.fail(error),
                }
            }
            Ok(None) => {
                *ended = true;
                reply.end(out)
            }
            Err(fault) => Err(fault),
        };
        match translated {
            Ok(()) if self.begun.ended => self.finish(Outcome::Answered),
            Ok(()) => {}
            Err(fault) => {
                let now = self.exchange.services.clock.now();
                let rest = self.begun.lease.as_mut().and_then(|lease| lease.failed(&fault, now));
                self.exchange.record.attempt_failed(&fault, rest);
                self.fail(mid_stream_error(&fault));
            }
        }
    }

    fn fail(&mut self, mut error: Error) {
        self.exchange.session.on_error(&mut error);
        self.exchange.record.refused(&error);
        let before = self.begun.out.len();
        self.begun.reply.fail(&error, &mut self.begun.out);
        self.broken = self.begun.out.len() == before;
        self.begun.ended = true;
        self.finish(Outcome::BrokenStream);
    }

    fn finish(&mut self, outcome: Outcome) {
        self.exchange.used(&self.begun.reply.usage(), self.begun.lease.as_mut());
        self.exchange.keep(self.begun.reply.left());
        match outcome {
            Outcome::Answered => self.exchange.keep_answers(),
            _ => self.exchange.discard_recordings(),
        }
        self.exchange.record.finish(outcome);
    }

    fn written(&mut self) -> Bytes {
        // The next write will probably be of a similar size.
        let capacity = self.begun.out.len().min(4096);
        self.exchange.record.wrote(self.begun.out.len());
        std::mem::replace(&mut self.begun.out, Vec::with_capacity(capacity)).into()
    }
}
