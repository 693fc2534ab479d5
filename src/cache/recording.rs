//! Records an answer for the cache while it arrives.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::entry::Entry;
use super::flight::{End, Flight};
use super::key::Key;
use super::{Storage, cacheable};
use crate::call::Method;

/// An answer that is to be cached.
#[derive(Debug)]
pub struct Recording {
    key: Key,
    /// What other requests wait for, unless the answer is for this request only.
    flight: Option<Flight>,
    storage: Arc<Storage>,
    method: Method,
    pieces: Vec<Bytes>,
    size: usize,
}

impl Recording {
    pub(super) fn new(key: Key, flight: Option<Flight>, storage: Arc<Storage>, method: Method) -> Self {
        Self { key, flight, storage, method, pieces: Vec::new(), size: 0 }
    }

    /// Starts a new attempt: discards what was recorded of the previous one.
    pub fn begin(&mut self) {
        self.pieces.clear();
        self.size = 0;
    }

    /// Records a chunk, as Gemini sent it.
    pub fn take(&mut self, piece: &Bytes) {
        let fitted = self.fits();
        self.size = self.size.saturating_add(piece.len());
        if self.fits() {
            // Copied, because a chunk may be a small slice of a network buffer, all of which it would keep alive.
            self.pieces.push(Bytes::copy_from_slice(piece));
        } else if fitted {
            self.pieces = Vec::new();
            if let Some(flight) = self.flight.take() {
                flight.end(End::Alone);
            }
        }
    }

    /// Ends the recording when the whole answer has been received and delivered to its client. Caches it if it is
    /// `wanted` and complete.
    pub fn keep(self, wanted: bool, now: Timestamp) {
        let Self { key, flight, storage, method, pieces, .. } = self;
        let good = wanted && self.size <= storage.settings.max_entry;
        let kept =
            (good && cacheable::is_complete(&storage.settings, method, &pieces)).then(|| Entry::new(pieces, now));
        if let Some(kept) = &kept {
            storage.table.put_for(&key.to_string(), kept.write(), storage.settings.ttl);
        }
        if let Some(flight) = flight {
            flight.end(kept.map_or(End::Alone, |kept| End::Landed(Arc::new(kept))));
        }
    }

    /// Ends the recording without an answer.
    pub fn failed(self) {
        if let Some(flight) = self.flight {
            flight.end(End::Failed);
        }
    }

    fn fits(&self) -> bool {
        self.size <= self.storage.settings.max_entry
    }
}
