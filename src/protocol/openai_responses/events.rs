//! The events of a streamed answer: named twice, numbered from 0 without gaps.

use serde_json::json;

use crate::error::Error;

/// Numbers events. Switched off, for whole answers, it writes nothing.
#[derive(Debug, Default)]
pub struct Events {
    on: bool,
    next: u64,
}

impl Events {
    /// Switches them on.
    pub fn switch_on(&mut self) {
        self.on = true;
    }

    /// An event of this kind (without `response.`), with these members beside type and number.
    pub fn emit(&mut self, out: &mut Vec<u8>, kind: &str, members: &[&[u8]]) {
        if !self.on {
            return;
        }
        let head =
            format!("event: response.{kind}\ndata: {{\"type\":\"response.{kind}\",\"sequence_number\":{},", self.next);
        self.next += 1;
        out.extend_from_slice(head.as_bytes());
        for member in members {
            out.extend_from_slice(member);
        }
        out.extend_from_slice(b"}\n\n");
    }
}

/// The only event of a stream that had nothing to show.
pub fn error(error: &Error) -> String {
    let data = json!({
        "type": "error",
        "sequence_number": 0,
        "code": error.code.as_deref().unwrap_or(&error.kind),
        "message": error.message,
        "param": error.param,
    });
    format!("event: error\ndata: {data}\n\n")
}
