//! Where an answer comes from: from Google, or from those that are kept.

use std::time::Instant;
use std::vec::IntoIter;

use bytes::Bytes;

use crate::cache::Entry;
use crate::fault::Fault;
use crate::upstream;

/// An answer on its way.
pub enum Source {
    /// From Google.
    Google(Box<upstream::Answer>),
    /// A kept one: what is left of it.
    Entry(IntoIter<Bytes>),
}

impl Source {
    /// A kept answer, from its beginning.
    pub fn kept(kept: &Entry) -> Self {
        Self::Entry(kept.pieces().to_vec().into_iter())
    }

    /// All of it.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn whole(self) -> Result<Bytes, Fault> {
        match self {
            Self::Google(answer) => answer.whole().await,
            Self::Entry(mut pieces) => Ok(pieces.next().unwrap_or_default()),
        }
    }

    /// The next event of a stream; None at its end.
    ///
    /// # Errors
    /// When the stream breaks.
    pub async fn event(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Google(answer) => answer.event().await,
            Self::Entry(pieces) => Ok(pieces.next()),
        }
    }

    /// An event that is there already, without waiting for more.
    ///
    /// # Errors
    /// When it is none.
    pub fn ready_event(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Google(answer) => answer.ready_event(),
            Self::Entry(pieces) => Ok(pieces.next()),
        }
    }

    /// When the last event came.
    pub fn arrived(&self) -> Instant {
        match self {
            Self::Google(answer) => answer.arrived(),
            Self::Entry(_) => Instant::now(),
        }
    }

    /// Takes in what has arrived by now. Whether anything had.
    pub fn take_ready(&mut self) -> bool {
        match self {
            Self::Google(answer) => answer.take_ready(),
            Self::Entry(_) => false,
        }
    }
}
