//! The events of a streamed answer, under Anthropic's names.

use crate::error::Error;
use crate::protocol::{Anthropic, Family};

/// Writes events. Until it is enabled it writes nothing, which is what whole answers need.
#[derive(Debug, Default)]
pub struct Events {
    on: bool,
}

impl Events {
    /// Enables output.
    pub fn switch_on(&mut self) {
        self.on = true;
    }

    /// Writes an event of this type with additional members.
    pub fn emit(&self, out: &mut Vec<u8>, kind: &str, members: &[&[u8]]) {
        if !self.on {
            return;
        }
        out.extend_from_slice(format!("event: {kind}\ndata: {{\"type\":\"{kind}\"").as_bytes());
        if !members.is_empty() {
            out.push(b',');
        }
        for member in members {
            out.extend_from_slice(member);
        }
        out.extend_from_slice(b"}\n\n");
    }

    /// Writes the start of the block with this index.
    pub fn start(&self, out: &mut Vec<u8>, index: usize, block: &[u8]) {
        self.emit(out, "content_block_start", &[format!(r#""index":{index},"content_block":"#).as_bytes(), block]);
    }

    /// Writes a delta of the block with this index. The delta's type is `kind`, and its field `field` has this value.
    pub fn delta(&self, out: &mut Vec<u8>, index: usize, (kind, field): (&str, &str), value: &[&[u8]]) {
        let head = format!(r#""index":{index},"delta":{{"type":"{kind}","{field}":"#);
        let mut members = vec![head.as_bytes()];
        members.extend_from_slice(value);
        members.push(b"}");
        self.emit(out, "content_block_delta", &members);
    }

    /// Writes the end of the block with this index.
    pub fn stop(&self, out: &mut Vec<u8>, index: usize) {
        self.emit(out, "content_block_stop", &[format!(r#""index":{index}"#).as_bytes()]);
    }
}

/// Writes the event that ends a failed stream.
pub fn error(error: &Error, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: error\ndata: ");
    out.extend_from_slice(&Anthropic.error(error, ""));
    out.extend_from_slice(b"\n\n");
}
