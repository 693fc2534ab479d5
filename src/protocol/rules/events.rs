//! Server-sent events in OpenAI's format, whose type is a member of their data.

use serde::Serialize;

use crate::error::Error;
use crate::wire::openai::error::Body;

/// Appends an event.
pub fn push(out: &mut Vec<u8>, event: &impl Serialize) {
    out.extend_from_slice(b"data: ");
    // Events consist of strings and numbers, so serialization cannot fail.
    let _ = serde_json::to_writer(&mut *out, event);
    out.extend_from_slice(b"\n\n");
}

/// Appends an error that ends a failed stream. The SDKs raise it, whatever came before.
pub fn push_error(out: &mut Vec<u8>, error: &Error) {
    push(out, &Body::from(error));
}
