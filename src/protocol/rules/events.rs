//! Server-sent events of OpenAI's, whose type is a member of their data.

use serde::Serialize;

use crate::error::Error;
use crate::wire::openai::error::Body;

/// Appends an event.
pub fn push(out: &mut Vec<u8>, event: &impl Serialize) {
    out.extend_from_slice(b"data: ");
    // What is written here is made of texts and numbers: it always can be.
    let _ = serde_json::to_writer(&mut *out, event);
    out.extend_from_slice(b"\n\n");
}

/// Appends an error, the end of a stream that failed: the SDKs raise it, whatever came before.
pub fn push_error(out: &mut Vec<u8>, error: &Error) {
    push(out, &Body::from(error));
}
