//! The short names scripts have for parts of a body, and where those are in each kind of body. The only place of this room that
//! knows a vendor's field.

use std::borrow::Cow;

use rhai::EvalAltResult;
use serde_json::{Value, json};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A client's chat request.
    ChatRequest,
    /// An answer to it.
    ChatAnswer,
    /// A request to Gemini.
    GeminiRequest,
    /// Gemini's whole answer.
    GeminiAnswer,
    /// A piece of Gemini's streamed answer.
    GeminiChunk,
}

/// Names of texts.
pub const TEXTS: &[&str] = &["model", "system", "last_user_text", "text", "reasoning"];

/// A text; empty when there is none.
pub fn text(dialect: Dialect, name: &str, body: &Value) -> Answer<String> {
    let of = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(match (dialect, name) {
        (Dialect::ChatRequest | Dialect::ChatAnswer, "model") => of("/model"),
        (Dialect::ChatRequest, "system") => {
            let system = listed(body).filter(|message| matches!(role(message), "system" | "developer"));
            system.map(|message| words(&message["content"])).collect::<Vec<_>>().join("\n")
        }
        (Dialect::ChatRequest, "last_user_text") => {
            let last = listed(body).filter(|message| role(message) == "user").last();
            last.map(|message| words(&message["content"]).into_owned()).unwrap_or_default()
        }
        (Dialect::ChatAnswer, "text") => of("/choices/0/message/content"),
        (Dialect::ChatAnswer, "reasoning") => of("/choices/0/message/reasoning_content"),
        (Dialect::GeminiAnswer | Dialect::GeminiChunk, "text" | "reasoning") => {
            let wanted = parts(body).filter(|part| is_text(part, name == "reasoning"));
            wanted.filter_map(|part| part["text"].as_str()).collect()
        }
        _ => return Err(nothing(name)),
    })
}

/// Sets a text.
pub fn set_text(dialect: Dialect, name: &str, body: &mut Value, new: &str) -> Answer<()> {
    match (dialect, name) {
        (Dialect::ChatRequest | Dialect::ChatAnswer, "model") => body["model"] = json!(new),
        (Dialect::ChatRequest, "system") => {
            let messages = body["messages"].as_array_mut().ok_or("`messages` is no array")?;
            messages.retain(|message| !matches!(role(message), "system" | "developer"));
            if !new.is_empty() {
                messages.insert(0, json!({ "role": "system", "content": new }));
            }
        }
        (Dialect::ChatRequest, "last_user_text") => {
            let messages = body["messages"].as_array_mut().ok_or("`messages` is no array")?;
            let last = messages.iter_mut().rev().find(|message| role(message) == "user");
            set_words(last.ok_or("there is no user's message")?, new);
        }
        (Dialect::ChatAnswer, "text") => set_field(body, "/choices/0/message", "content", new)?,
        (Dialect::ChatAnswer, "reasoning") => set_field(body, "/choices/0/message", "reasoning_content", new)?,
        (Dialect::GeminiAnswer | Dialect::GeminiChunk, "text" | "reasoning") => {
            set_parts(body, name == "reasoning", new);
        }
        _ => return Err(nothing(name)),
    }
    Ok(())
}

/// The messages of a request.
pub fn messages(dialect: Dialect, body: &Value) -> Answer<&Value> {
    match dialect {
        Dialect::ChatRequest => Ok(&body["messages"]),
        Dialect::GeminiRequest => Ok(&body["contents"]),
        _ => Err(nothing("messages")),
    }
}

/// Sets them.
pub fn set_messages(dialect: Dialect, body: &mut Value, new: Value) -> Answer<()> {
    match dialect {
        Dialect::ChatRequest => body["messages"] = new,
        Dialect::GeminiRequest => body["contents"] = new,
        _ => return Err(nothing("messages")),
    }
    Ok(())
}

/// The calls of an answer.
pub fn calls(dialect: Dialect, body: &Value) -> Answer<Value> {
    match dialect {
        Dialect::ChatAnswer => Ok(body.pointer("/choices/0/message/tool_calls").cloned().unwrap_or_else(|| json!([]))),
        Dialect::GeminiAnswer | Dialect::GeminiChunk => {
            Ok(parts(body).filter_map(|part| part.get("functionCall").cloned()).collect())
        }
        _ => Err(nothing("calls")),
    }
}

fn nothing(name: &str) -> Box<EvalAltResult> {
    format!("this body has no `{name}`; use `get(\"/pointer\")`").into()
}

fn listed(body: &Value) -> impl Iterator<Item = &Value> {
    body["messages"].as_array().into_iter().flatten()
}

fn role(message: &Value) -> &str {
    message["role"].as_str().unwrap_or_default()
}

/// The words of a content: a text, or parts of which some are texts.
fn words(content: &Value) -> Cow<'_, str> {
    match content {
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n").into()
        }
        _ => Cow::Borrowed(""),
    }
}

/// Puts words in place of a message's; its images stay.
fn set_words(message: &mut Value, new: &str) {
    match &mut message["content"] {
        Value::Array(parts) => {
            parts.retain(|part| part.get("text").is_none());
            parts.insert(0, json!({ "type": "text", "text": new }));
        }
        content => *content = json!(new),
    }
}

fn set_field(body: &mut Value, parent: &str, name: &str, new: &str) -> Answer<()> {
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).ok_or("the answer has no message")?;
    parent.insert(name.to_owned(), json!(new));
    Ok(())
}

fn parts(body: &Value) -> impl Iterator<Item = &Value> {
    body.pointer("/candidates/0/content/parts").and_then(Value::as_array).into_iter().flatten()
}

fn is_text(part: &Value, thought: bool) -> bool {
    part.get("text").is_some() && (part["thought"] == true) == thought
}

/// Puts all words into the first part of their kind; parts that bear a signature stay for its sake, empty.
fn set_parts(body: &mut Value, thought: bool, new: &str) {
    let Some(parts) = body.pointer_mut("/candidates/0/content/parts").and_then(Value::as_array_mut) else { return };
    let mut left = Some(new);
    for part in parts.iter_mut().filter(|part| is_text(part, thought)) {
        part["text"] = json!(left.take().unwrap_or_default());
    }
    if let Some(text) = left.filter(|text| !text.is_empty()) {
        parts.push(if thought { json!({ "text": text, "thought": true }) } else { json!({ "text": text }) });
    }
}
