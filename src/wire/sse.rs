//! A decoder for server-sent events. It runs in time linear in the input, however the input is split into chunks.
//!
//! Google ends lines with CRLF, others with LF; a lone CR, a byte order mark and multi-line data are legal too. Text
//! that is not SSE at all is kept as well: Google reports some errors as a bare, pretty-printed `{"error": …}` in the
//! middle of a stream.

use bytes::{Buf, Bytes, BytesMut};

/// Largest accepted event: an inline image of 24 MiB in base64.
pub const MAX_EVENT: usize = 32 * 1024 * 1024;

/// An item found in the byte stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The data of one event.
    Data(Bytes),
    /// Text outside of any event: a bare error, a JSON array, an HTML page.
    Stray(Bytes),
}

/// An event or a line is larger than [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Splits bytes into events. Feed it with [`push`](Self::push), drain it with [`next`](Self::next), and close it with
/// [`finish`](Self::finish).
#[derive(Debug, Default)]
pub struct Decoder {
    /// Bytes not yet split into lines: at most one unfinished line after `next` has returned None.
    pending: BytesMut,
    /// A chunk that arrived while nothing was pending. Its lines are split off without copying.
    chunk: Bytes,
    /// How many bytes of `pending` have already been searched and contain no line end.
    searched: usize,
    /// Whether the last line ended in CR, so that a following LF belongs to the same line end.
    after_cr: bool,
    /// Whether the first line has been read. Only before that may a byte order mark occur.
    started: bool,
    data: Option<Data>,
    stray: BytesMut,
}

/// Data lines of the current event. One line is the common case and needs no copy.
#[derive(Debug)]
enum Data {
    One(Bytes),
    OneOrMany(BytesMut),
}

impl Decoder {
    /// Adds a chunk. Call [`next`](Self::next) until it returns None before pushing another.
    ///
    /// # Errors
    /// When the unfinished event is larger than [`MAX_EVENT`].
    pub fn push(&mut self, chunk: Bytes) -> Result<(), TooLarge> {
        if self.pending.is_empty() && self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let rest = std::mem::take(&mut self.chunk);
            self.pending.extend_from_slice(&rest);
            self.pending.extend_from_slice(&chunk);
        }
        let data = self.data.as_ref().map_or(0, Data::len);
        let kept = self.pending.len() + data + self.stray.len();
        if kept > MAX_EVENT { Err(TooLarge) } else { Ok(()) }
    }

    /// Returns the next complete event.
    #[expect(clippy::should_implement_trait, reason = "None means `not yet`, not `never again`")]
    pub fn next(&mut self) -> Option<Event> {
        while let Some(line) = self.line() {
            if let Some(event) = self.take_line(line) {
                return Some(event);
            }
        }
        None
    }

    /// Ends the stream. Returns one remaining item per call, until None.
    pub fn finish(&mut self) -> Option<Event> {
        let rest = std::mem::take(&mut self.pending).freeze();
        self.searched = 0;
        if !rest.is_empty()
            && let Some(event) = self.take_line(rest)
        {
            return Some(event);
        }
        self.take_data().or_else(|| self.take_stray())
    }

    /// Returns the next complete line without its line end.
    fn line(&mut self) -> Option<Bytes> {
        if self.pending.is_empty() {
            let line = self.line_of_chunk();
            if line.is_none() {
                self.pending = BytesMut::from(std::mem::take(&mut self.chunk).as_ref());
                self.searched = self.pending.len();
            }
            return line;
        }
        self.skip_lf_pending();
        let found = memchr::memchr2(b'\n', b'\r', self.pending.get(self.searched..)?);
        let Some(end) = found.map(|at| at + self.searched) else {
            self.searched = self.pending.len();
            return None;
        };
        let line = self.pending.split_to(end).freeze();
        self.after_cr = self.pending.first() == Some(&b'\r');
        self.pending.advance(1);
        self.searched = 0;
        Some(line)
    }

    fn line_of_chunk(&mut self) -> Option<Bytes> {
        if self.after_cr && !self.chunk.is_empty() {
            self.after_cr = false;
            if self.chunk.first() == Some(&b'\n') {
                self.chunk.advance(1);
            }
        }
        let end = memchr::memchr2(b'\n', b'\r', &self.chunk)?;
        let line = self.chunk.split_to(end);
        self.after_cr = self.chunk.first() == Some(&b'\r');
        self.chunk.advance(1);
        Some(line)
    }

    fn skip_lf_pending(&mut self) {
        if self.after_cr && !self.pending.is_empty() {
            self.after_cr = false;
            if self.pending.first() == Some(&b'\n') {
                self.pending.advance(1);
                self.searched = self.searched.saturating_sub(1);
            }
        }
    }

    fn take_line(&mut self, mut line: Bytes) -> Option<Event> {
        if !std::mem::replace(&mut self.started, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.advance(3);
        }
        if line.is_empty() {
            return self.take_data();
        }
        if line.starts_with(b"data:") {
            line.advance(5);
            if line.first() == Some(&b' ') {
                line.advance(1);
            }
            self.data = Some(match self.data.take() {
                None => Data::One(line),
                Some(data) => data.joined(&line),
            });
        } else if !is_field(&line) {
            self.stray.extend_from_slice(&line);
            self.stray.extend_from_slice(b"\n");
        }
        None
    }

    fn take_data(&mut self) -> Option<Event> {
        self.data.take().map(|data| Event::Data(data.into_bytes()))
    }

    fn take_stray(&mut self) -> Option<Event> {
        let stray = std::mem::take(&mut self.stray).freeze();
        (!stray.trim_ascii().is_empty()).then_some(Event::Stray(stray))
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::One(line) => line.len(),
            Self::OneOrMany(lines) => lines.len(),
        }
    }

    fn joined(self, line: &[u8]) -> Self {
        let mut lines = match self {
            Self::One(first) => BytesMut::from(first.as_ref()),
            Self::OneOrMany(lines) => lines,
        };
        lines.extend_from_slice(b"\n");
        lines.extend_from_slice(line);
        Self::OneOrMany(lines)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::One(line) => line,
            Self::OneOrMany(lines) => lines.freeze(),
        }
    }
}

/// Whether the line is a comment or a field that is not needed. Every other line is stray text.
fn is_field(line: &[u8]) -> bool {
    [&b":"[..], b"event:", b"id:", b"retry:"].iter().any(|field| line.starts_with(field))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.push(Bytes::copy_from_slice(piece)).unwrap();
            events.extend(std::iter::from_fn(|| decoder.next()));
        }
        events.extend(std::iter::from_fn(|| decoder.finish()));
        events
    }

    fn data(text: &str) -> Event {
        Event::Data(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn all_line_ends_and_forms() {
        let expected = vec![data("{\"a\":1}"), data("b\nc")];
        for stream in [
            "data: {\"a\":1}\r\n\r\ndata: b\r\ndata: c\r\n\r\n",
            "data: {\"a\":1}\n\ndata: b\ndata: c\n\n",
            "data: {\"a\":1}\r\rdata: b\rdata: c\r\r",
            "\u{feff}data:{\"a\":1}\n\n: comment\nevent: x\nid: 1\nretry: 5\ndata:b\ndata:c\n\n",
            "data: {\"a\":1}\n\ndata: b\ndata: c",
        ] {
            assert_eq!(decode(&[stream.as_bytes()]), expected, "{stream:?}");
        }
    }

    #[test]
    fn a_bare_error_is_stray() {
        let events = decode(&[b"data: x\r\n\r\n{\n  \"error\": {\"code\": 503}\n}\n"]);
        assert_eq!(events, [data("x"), Event::Stray(Bytes::from_static(b"{\n  \"error\": {\"code\": 503}\n}\n"))]);
    }

    #[test]
    fn an_endless_line_is_cut_off() {
        let mut decoder = Decoder::default();
        let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
        let refused = (0..40).any(|_| {
            let refused = decoder.push(piece.clone()).is_err();
            assert_eq!(decoder.next(), None);
            refused
        });
        assert!(refused);
    }

    proptest! {
        /// The events are the same however the bytes are split.
        #[test]
        fn cuts_do_not_matter(
            lines in prop::collection::vec(prop_oneof!["data: ?[a-zé\u{4e2d}]{0,8}", Just(String::new()), "[a-z{}]{1,4}"], 0..20),
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            cuts in prop::collection::vec(0usize..200, 0..8),
        ) {
            let stream: String = lines.iter().flat_map(|line| [line.as_str(), end]).collect();
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&pieces), decode(&[bytes]));
        }
    }
}
