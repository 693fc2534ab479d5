//! A cache entry: Gemini's own answer, whole or event by event, before any plugin or translator has seen it. A cached
//! answer therefore takes the same path as a live one, and gets ids and timestamps of its own.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use jiff::Timestamp;

/// Format version of a cache entry.
const FORM: u8 = 1;

/// A cache entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When the answer was given, in Unix seconds.
    at: i64,
    pieces: Vec<Bytes>,
}

impl Entry {
    /// An entry for an answer that was given now.
    pub fn new(pieces: Vec<Bytes>, now: Timestamp) -> Self {
        Self { at: now.as_second(), pieces }
    }

    /// The age of the answer. Clocks of replicas may differ, but the age is never negative.
    pub fn age(&self, now: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(now.as_second().saturating_sub(self.at)).unwrap_or(0))
    }

    /// The content: one document, or events.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Serializes the entry to a row.
    pub fn write(&self) -> Bytes {
        let length: usize = self.pieces.iter().map(|piece| piece.len() + 4).sum();
        let mut row = BytesMut::with_capacity(length + 9);
        row.put_u8(FORM);
        row.put_i64_le(self.at);
        for piece in &self.pieces {
            // No cached chunk is anywhere near that large.
            row.put_u32_le(u32::try_from(piece.len()).unwrap_or(u32::MAX));
            row.put_slice(piece);
        }
        row.freeze()
    }

    /// Parses a row; None if it is not valid, whoever wrote it.
    pub fn read(mut row: Bytes) -> Option<Self> {
        if row.try_get_u8().ok()? != FORM {
            return None;
        }
        let at = row.try_get_i64_le().ok()?;
        let mut pieces = Vec::new();
        while row.has_remaining() {
            let length = usize::try_from(row.try_get_u32_le().ok()?).ok()?;
            if length > row.len() {
                return None;
            }
            pieces.push(row.split_to(length));
        }
        (!pieces.is_empty()).then_some(Self { at, pieces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let now: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let kept = Entry::new(vec!["one".into(), "".into(), "three".into()], now);
        let row = kept.write();
        assert_eq!(Entry::read(row.clone()), Some(kept.clone()));
        assert_eq!(kept.age("2026-11-25T00:01:00Z".parse().unwrap()), Duration::from_secs(60));
        assert_eq!(kept.age("2026-11-24T00:00:00Z".parse().unwrap()), Duration::ZERO);
        // Truncated anywhere, it is a different answer or none, and never a panic.
        (0..row.len()).for_each(|end| assert_ne!(Entry::read(row.slice(..end)), Some(kept.clone())));
        assert_eq!(Entry::read("[]".into()), None);
    }
}
