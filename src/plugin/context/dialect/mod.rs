//! The short names that scripts use for fields of a body, and where those fields are in each kind of body: `.model`,
//! `.system`, `.messages` and `.last_user_text` mean the same in every protocol. This is the only module under
//! `plugin` that knows vendor field names.

mod answers;
mod gemini;
mod requests;
mod texts;

use std::borrow::Cow;

use rhai::EvalAltResult;
use serde_json::Value;

pub use requests::{asked, message_role, message_text, new_message, set_message_text};
pub use texts::{set_texts, texts};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// The kind of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// A client's request.
    Request(Api),
    /// An answer to a client.
    Answer(Api),
    /// A request to Gemini.
    GeminiRequest,
    /// A complete answer from Gemini.
    GeminiAnswer,
    /// A chunk of a streamed answer from Gemini.
    GeminiChunk,
}

/// The client's protocol, as far as field names are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Messages,
    /// Gemini's own API.
    Native,
    /// Any other endpoint: only a model and an input.
    Other,
}

impl Api {
    /// Converts a value of `ctx.api`.
    pub fn of(name: &str) -> Self {
        match name {
            "chat" => Self::Chat,
            "responses" => Self::Responses,
            "messages" | "count_tokens" => Self::Messages,
            "native" => Self::Native,
            _ => Self::Other,
        }
    }
}

/// The short names of texts.
pub const TEXTS: &[&str] = &["model", "system", "last_user_text", "text", "reasoning"];

/// Returns a text; empty if the body does not have one.
///
/// # Errors
/// Fails if this kind of body has no text of that name.
pub fn text(dialect: BodyKind, name: &str, body: &Value) -> Answer<String> {
    let found = match (dialect, name) {
        (BodyKind::Request(_) | BodyKind::Answer(_), "model") => Some(at(body, "/model").to_owned()),
        (BodyKind::Request(api), "system") => Some(requests::system(api, body)),
        (BodyKind::Request(api), "last_user_text") => Some(requests::last_user_text(api, body)),
        (BodyKind::GeminiRequest, "system") => Some(requests::system(Api::Native, body)),
        (BodyKind::GeminiRequest, "last_user_text") => Some(requests::last_user_text(Api::Native, body)),
        (BodyKind::Answer(api), "text" | "reasoning") => Some(answers::text(api, name == "reasoning", body)),
        (BodyKind::GeminiAnswer | BodyKind::GeminiChunk, "text" | "reasoning") => {
            Some(gemini::text(body, name == "reasoning"))
        }
        _ => None,
    };
    found.ok_or_else(|| nothing(name))
}

/// Returns a text without parsing the whole body, where that is possible.
pub fn peek_text(dialect: BodyKind, name: &str, bytes: &[u8]) -> Option<String> {
    match (dialect, name) {
        (BodyKind::GeminiAnswer | BodyKind::GeminiChunk, "text" | "reasoning") => {
            gemini::peek_text(bytes, name == "reasoning")
        }
        (dialect, "last_user_text") => requests::peek_last_user_text(request_api(dialect)?, bytes),
        _ => None,
    }
}

/// Sets a text.
///
/// # Errors
/// Fails if this kind of body has no text of that name, or if this body has nowhere to put it.
pub fn set_text(dialect: BodyKind, name: &str, body: &mut Value, new: &str) -> Answer<()> {
    match (dialect, name) {
        (BodyKind::Request(_) | BodyKind::Answer(_), "model") => set_at(body, "model", new.into()),
        (BodyKind::Request(api), "system") => requests::set_system(api, body, new),
        (BodyKind::Request(api), "last_user_text") => requests::set_last_user_text(api, body, new),
        (BodyKind::GeminiRequest, "system") => requests::set_system(Api::Native, body, new),
        (BodyKind::GeminiRequest, "last_user_text") => requests::set_last_user_text(Api::Native, body, new),
        (BodyKind::Answer(api), "text" | "reasoning") => answers::set_text(api, name == "reasoning", body, new),
        (BodyKind::GeminiAnswer | BodyKind::GeminiChunk, "text" | "reasoning") => {
            gemini::set_text(body, name == "reasoning", new);
            Ok(())
        }
        _ => Err(nothing(name)),
    }
}

/// Returns the messages of a request in the protocol's own form; empty if it has none.
///
/// # Errors
/// Fails if this body is not a request.
pub fn messages(dialect: BodyKind, body: &Value) -> Answer<Cow<'_, [Value]>> {
    let api = request_api(dialect).ok_or_else(|| nothing("messages"))?;
    Ok(requests::messages(api, body))
}

/// Sets the messages of a request.
///
/// # Errors
/// Fails if this body is not a request.
pub fn set_messages(dialect: BodyKind, body: &mut Value, new: Vec<Value>) -> Answer<()> {
    let api = request_api(dialect).ok_or_else(|| nothing("messages"))?;
    set_at(body, requests::place(api), Value::Array(new))
}

/// Replaces one message of a request in its place. Returns false if there is none at this position.
///
/// # Errors
/// Fails if this body is not a request.
pub fn set_message(dialect: BodyKind, body: &mut Value, at: usize, new: Value) -> Answer<bool> {
    let api = request_api(dialect).ok_or_else(|| nothing("messages"))?;
    match body.get_mut(requests::place(api)) {
        Some(Value::Array(messages)) => Ok(messages.get_mut(at).map(|message| *message = new).is_some()),
        // A text stands for one message.
        Some(Value::String(_)) if at == 0 => set_messages(dialect, body, vec![new]).map(|()| true),
        _ => Ok(false),
    }
}

/// Returns the protocol of a request's messages; None if the body is not a request.
pub fn request_api(dialect: BodyKind) -> Option<Api> {
    match dialect {
        BodyKind::Request(api) => Some(api),
        BodyKind::GeminiRequest => Some(Api::Native),
        _ => None,
    }
}

/// Returns the tool calls of an answer.
///
/// # Errors
/// Fails if this body is not an answer.
pub fn calls(dialect: BodyKind, body: &Value) -> Answer<Value> {
    match dialect {
        BodyKind::Answer(api) => Ok(answers::calls(api, body)),
        BodyKind::GeminiAnswer | BodyKind::GeminiChunk => Ok(gemini::calls(body)),
        _ => Err(nothing("calls")),
    }
}

fn nothing(name: &str) -> Box<EvalAltResult> {
    format!("this body has no `{name}`; use `get(\"/pointer\")`").into()
}

fn at<'b>(body: &'b Value, pointer: &str) -> &'b str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn set_at(body: &mut Value, name: &str, new: Value) -> Answer<()> {
    let body = body.as_object_mut().ok_or("the body is not a JSON object")?;
    body.insert(name.to_owned(), new);
    Ok(())
}

/// Returns the text of a `content` value: a string, or the text parts of an array.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}
