//! The source of an answer: Google or the answer cache.

use std::time::Instant;
use std::vec::IntoIter;

use bytes::Bytes;

use crate::cache::Entry;
use crate::fault::Fault;
use crate::upstream;

/// An answer being received.
pub enum Source {
    /// From Google.
    Google(Box<upstream::Answer>),
    /// A cached answer: the pieces not yet read.
    Cached(IntoIter<Bytes>),
}

impl Source {
    /// A cached answer, from its start.
    pub fn cached(kept: &Entry) -> Self {
        Self::Cached(kept.pieces().to_vec().into_iter())
    }

    /// Returns the whole answer.
    ///
    /// # Errors
    /// When it cannot be received.
    pub async fn whole(&mut self) -> Result<Bytes, Fault> {
        match self {
            Self::Google(answer) => answer.whole().await,
            Self::Cached(pieces) => Ok(pieces.next().unwrap_or_default()),
        }
    }

    /// The next event of a stream; None at its end.
    ///
    /// # Errors
    /// When the stream breaks.
    pub async fn event(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Google(answer) => answer.event().await,
            Self::Cached(pieces) => Ok(pieces.next()),
        }
    }

    /// Returns an event that has already arrived, without waiting.
    ///
    /// # Errors
    /// When it is not a valid event.
    pub fn ready_event(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Google(answer) => answer.ready_event(),
            Self::Cached(pieces) => Ok(pieces.next()),
        }
    }

    /// When the last event arrived.
    pub fn arrived(&self) -> Instant {
        match self {
            Self::Google(answer) => answer.arrived(),
            Self::Cached(_) => Instant::now(),
        }
    }

    /// Takes in bytes that have arrived, without waiting. Returns whether there were any.
    pub fn take_ready(&mut self) -> bool {
        match self {
            Self::Google(answer) => answer.take_ready(),
            Self::Cached(_) => false,
        }
    }
}
