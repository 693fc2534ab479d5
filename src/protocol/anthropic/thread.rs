//! Threads: conversations stored here between turns, so that a client only sends what is new. They are a beta feature
//! of Anthropic's (`message-threads`), which the tool runner of its SDKs uses on its own.
//!
//! The document that an answer leaves is itself a request, as far as the conversation is concerned: it holds the system
//! prompt, the tools, and all messages including the answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::Parsed;
use crate::error::Error;
use crate::protocol::family::THREAD_NOT_FOUND;
use crate::protocol::rules::document::{missing, unknown_kind};
use crate::wire::anthropic::messages::Request;
use crate::wire::json;

/// Rejects an invalid thread.
///
/// # Errors
/// 400, naming the field.
pub fn check(request: &Request<'_>) -> Result<(), Error> {
    let Some(thread) = &request.thread else { return Ok(()) };
    match (thread.kind.as_deref(), thread.previous_message_id.as_deref()) {
        (Some("create"), _) | (Some("continue"), Some(_)) => Ok(()),
        (Some("continue"), None) => Err(missing("thread.previous_message_id")),
        (kind, _) => Err(unknown_kind(kind, "'create' and 'continue'", &"thread.type")),
    }
}

/// Returns the id of the answer this request continues from.
pub fn earlier<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let thread = request.thread.as_ref().filter(|thread| thread.kind.as_deref() == Some("continue"))?;
    thread.previous_message_id.as_deref()
}

/// Reads the stored thread that this request continues from the document the earlier answer left. Returns None when the
/// request starts a thread or has none.
///
/// # Errors
/// 404 when the thread is not stored; clients then send the whole conversation.
pub fn held<'a>(request: &Request<'_>, left: Option<&'a [u8]>) -> Result<Option<Parsed<'a>>, Error> {
    let Some(id) = earlier(request) else { return Ok(None) };
    let known = left.and_then(|document| json::read_slice::<Request<'a>>(document).ok());
    match known.filter(|known| known.messages.is_some()) {
        Some(known) => Parsed::of(known).map(Some),
        None => Err(not_found(id)),
    }
}

fn not_found(id: &str) -> Error {
    let shown: String = id.chars().take(100).collect::<String>().escape_debug().collect();
    let message = format!(
        "thread.previous_message_id: no known thread continues from '{shown}'. Threads are stored for a day, for the client that made them; send the whole conversation with `thread: {{\"type\": \"create\"}}` instead."
    );
    Error::not_found(message).param("thread.previous_message_id").code(THREAD_NOT_FOUND)
}

/// Returns the document that the answer to this body leaves, up to where the answer's content follows. Returns None
/// when the conversation is not stored.
pub fn so_far(request: &Request<'_>, body: &[u8], left: Option<&[u8]>) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Conversation<'a> {
        #[serde(borrow)]
        system: Option<&'a RawValue>,
        #[serde(borrow)]
        tools: Option<&'a RawValue>,
        #[serde(borrow)]
        messages: Vec<&'a RawValue>,
    }
    request.thread.as_ref()?;
    let sent: Conversation<'_> = json::read_slice(body).ok()?;
    let held: Conversation<'_> = left.and_then(|left| json::read_slice(left).ok()).unwrap_or_default();
    let mut out = "{".to_owned();
    for (name, value) in [("system", sent.system.or(held.system)), ("tools", sent.tools.or(held.tools))] {
        if let Some(value) = value {
            out.push_str(&format!(r#""{name}":{value},"#));
        }
    }
    out.push_str(r#""messages":["#);
    for message in held.messages.into_iter().chain(sent.messages) {
        out.push_str(message.get());
        out.push(',');
    }
    Some(out)
}
