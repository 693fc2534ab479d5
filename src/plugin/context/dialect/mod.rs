//! The short names scripts have for parts of a body, and where those are in each kind of body: `.model`, `.system`, `.messages` and
//! `.last_user_text` mean the same whatever the client speaks. The only place of this room that knows a vendor's field.

mod answers;
mod gemini;
mod requests;
mod texts;

use rhai::EvalAltResult;
use serde_json::Value;

pub use requests::{message_role, message_text, new_message, set_message_text};
pub use texts::{set_texts, texts};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A client's request.
    Request(Api),
    /// An answer to it.
    Answer(Api),
    /// A request to Gemini.
    GeminiRequest,
    /// Gemini's whole answer.
    GeminiAnswer,
    /// A piece of Gemini's streamed answer.
    GeminiChunk,
}

/// What a client speaks, as far as names are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Messages,
    /// Gemini's own.
    Native,
    /// Another endpoint: a model and an input.
    Other,
}

impl Api {
    /// What `ctx.api` says.
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

/// Names of texts.
pub const TEXTS: &[&str] = &["model", "system", "last_user_text", "text", "reasoning"];

/// A text; empty when there is none.
///
/// # Errors
/// When this kind of body has none of that name.
pub fn text(dialect: Dialect, name: &str, body: &Value) -> Answer<String> {
    let found = match (dialect, name) {
        (Dialect::Request(_) | Dialect::Answer(_), "model") => Some(at(body, "/model").to_owned()),
        (Dialect::Request(api), "system") => Some(requests::system(api, body)),
        (Dialect::Request(api), "last_user_text") => Some(requests::last_user_text(api, body)),
        (Dialect::GeminiRequest, "system") => Some(requests::system(Api::Native, body)),
        (Dialect::GeminiRequest, "last_user_text") => Some(requests::last_user_text(Api::Native, body)),
        (Dialect::Answer(api), "text" | "reasoning") => Some(answers::text(api, name == "reasoning", body)),
        (Dialect::GeminiAnswer | Dialect::GeminiChunk, "text" | "reasoning") => {
            Some(gemini::text(body, name == "reasoning"))
        }
        _ => None,
    };
    found.ok_or_else(|| nothing(name))
}

/// A text of a body that is not read yet, where a glance is enough for it.
pub fn glance(dialect: Dialect, name: &str, bytes: &[u8]) -> Option<String> {
    match (dialect, name) {
        (Dialect::GeminiAnswer | Dialect::GeminiChunk, "text" | "reasoning") => {
            gemini::glance(bytes, name == "reasoning")
        }
        _ => None,
    }
}

/// Sets a text.
///
/// # Errors
/// When this kind of body has none of that name, or this body no place for it.
pub fn set_text(dialect: Dialect, name: &str, body: &mut Value, new: &str) -> Answer<()> {
    match (dialect, name) {
        (Dialect::Request(_) | Dialect::Answer(_), "model") => set_at(body, "model", new.into()),
        (Dialect::Request(api), "system") => requests::set_system(api, body, new),
        (Dialect::Request(api), "last_user_text") => requests::set_last_user_text(api, body, new),
        (Dialect::GeminiRequest, "system") => requests::set_system(Api::Native, body, new),
        (Dialect::GeminiRequest, "last_user_text") => requests::set_last_user_text(Api::Native, body, new),
        (Dialect::Answer(api), "text" | "reasoning") => answers::set_text(api, name == "reasoning", body, new),
        (Dialect::GeminiAnswer | Dialect::GeminiChunk, "text" | "reasoning") => {
            gemini::set_text(body, name == "reasoning", new);
            Ok(())
        }
        _ => Err(nothing(name)),
    }
}

/// The messages of a request as they are; none when it has none.
///
/// # Errors
/// When this body is no request.
pub fn messages(dialect: Dialect, body: &Value) -> Answer<Vec<Value>> {
    let api = request_api(dialect).ok_or_else(|| nothing("messages"))?;
    Ok(requests::messages(api, body))
}

/// Sets them.
///
/// # Errors
/// When this body is no request.
pub fn set_messages(dialect: Dialect, body: &mut Value, new: Vec<Value>) -> Answer<()> {
    let api = request_api(dialect).ok_or_else(|| nothing("messages"))?;
    set_at(body, requests::place(api), Value::Array(new))
}

/// The dialect of a request's messages.
pub fn request_api(dialect: Dialect) -> Option<Api> {
    match dialect {
        Dialect::Request(api) => Some(api),
        Dialect::GeminiRequest => Some(Api::Native),
        _ => None,
    }
}

/// The calls of an answer.
///
/// # Errors
/// When this body is no answer.
pub fn calls(dialect: Dialect, body: &Value) -> Answer<Value> {
    match dialect {
        Dialect::Answer(api) => Ok(answers::calls(api, body)),
        Dialect::GeminiAnswer | Dialect::GeminiChunk => Ok(gemini::calls(body)),
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
    let body = body.as_object_mut().ok_or("the body is no JSON object")?;
    body.insert(name.to_owned(), new);
    Ok(())
}

/// The words of a content: a text, or parts of which some are texts.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}
