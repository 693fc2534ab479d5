//! The events of a streamed answer. Each states its type twice, and they are numbered from 0 without gaps.

use serde_json::json;

use crate::error::Error;

/// Numbers and writes events. Until it is enabled it writes nothing, which is what whole answers need.
#[derive(Debug, Default)]
pub struct Events {
    on: bool,
    next: u64,
}

impl Events {
    /// Enables output.
    pub fn switch_on(&mut self) {
        self.on = true;
    }

    /// Writes an event of this type (without `response.`), with these members after its type and number.
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

/// Returns the only event of a stream that failed without any content.
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
