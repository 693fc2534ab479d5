//! An answer on its way that is to be kept, taken down as it comes.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::entry::Entry;
use super::flight::{End, Flight};
use super::key::Key;
use super::{Shelf, cacheable};
use crate::call::Method;

/// An answer that is to be kept.
#[derive(Debug)]
pub struct Recording {
    key: Key,
    /// What others wait for, unless it is for nobody else.
    flight: Option<Flight>,
    shelf: Arc<Shelf>,
    method: Method,
    pieces: Vec<Bytes>,
    size: usize,
}

impl Recording {
    pub(super) fn new(key: Key, flight: Option<Flight>, shelf: Arc<Shelf>, method: Method) -> Self {
        Self { key, flight, shelf, method, pieces: Vec::new(), size: 0 }
    }

    /// An attempt begins: what came of the one before is nothing.
    pub fn begin(&mut self) {
        self.pieces.clear();
        self.size = 0;
    }

    /// A piece has come, as Gemini sent it.
    pub fn take(&mut self, piece: &Bytes) {
        let fitted = self.fits();
        self.size = self.size.saturating_add(piece.len());
        if self.fits() {
            // A copy: a piece may be a small part of what the network brought, and would hold all of it.
            self.pieces.push(Bytes::copy_from_slice(piece));
        } else if fitted {
            self.pieces = Vec::new();
            if let Some(flight) = self.flight.take() {
                flight.end(End::Alone);
            }
        }
    }

    /// It is all there, and its client has it: it is kept, if it is complete and nobody minds.
    pub fn keep(self, wanted: bool, now: Timestamp) {
        let Self { key, flight, shelf, method, pieces, .. } = self;
        let good = wanted && self.size <= shelf.settings.max_entry;
        let kept = (good && cacheable::is_complete(&shelf.settings, method, &pieces)).then(|| Entry::new(pieces, now));
        if let Some(kept) = &kept {
            shelf.table.put_for(&key.to_string(), kept.write(), shelf.settings.ttl);
        }
        if let Some(flight) = flight {
            flight.end(kept.map_or(End::Alone, |kept| End::Landed(Arc::new(kept))));
        }
    }

    /// Nothing came of it.
    pub fn failed(self) {
        if let Some(flight) = self.flight {
            flight.end(End::Failed);
        }
    }

    fn fits(&self) -> bool {
        self.size <= self.shelf.settings.max_entry
    }
}
