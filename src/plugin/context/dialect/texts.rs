//! Every text of a request that a person or a tool wrote, in order. Content rules must see all of them, whatever the
//! protocol and however deeply nested.

use serde_json::Value;

use super::{Answer, BodyKind, nothing};

/// Top-level fields that contain text. All other fields are ids, kinds and settings.
const PROSE: &[&str] =
    &["system", "instructions", "system_instruction", "systemInstruction", "input", "messages", "contents", "prompt"];
/// Nested fields that contain text.
const WORDS: &[&str] = &[
    "text",
    "content",
    "output",
    "thinking",
    "parts",
    "summary",
    "tool_calls",
    "function",
    "functionCall",
    "functionResponse",
];
/// Nested fields that are JSON documents of the client's own: every string in them counts.
const OPEN: &[&str] = &["arguments", "args", "response", "input"];

/// Returns the texts. The body stays as it is: it is borrowed mutably because one walk serves to read and to replace.
///
/// # Errors
/// Fails if this body is not a request.
pub fn texts(dialect: BodyKind, body: &mut Value) -> Answer<Vec<String>> {
    let mut found = Vec::new();
    each(dialect, body, &mut |text| found.push(text.clone()))?;
    Ok(found)
}

/// Replaces the texts, each with the one at the same position.
///
/// # Errors
/// Fails if this body is not a request, or if the number of texts differs.
pub fn set_texts(dialect: BodyKind, body: &mut Value, new: Vec<String>) -> Answer<()> {
    let count = texts(dialect, body)?.len();
    if new.len() != count {
        return Err(format!("the request has {count} texts, not {}", new.len()).into());
    }
    let mut new = new.into_iter();
    each(dialect, body, &mut |text| {
        if let Some(new) = new.next() {
            *text = new;
        }
    })
}

fn each(dialect: BodyKind, body: &mut Value, act: &mut dyn FnMut(&mut String)) -> Answer<()> {
    if !matches!(dialect, BodyKind::Request(_) | BodyKind::GeminiRequest) {
        return Err(nothing("texts"));
    }
    for (name, value) in body.as_object_mut().into_iter().flatten() {
        if PROSE.contains(&name.as_str()) {
            prose(value, act);
        }
    }
    Ok(())
}

fn prose(value: &mut Value, act: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => act(text),
        Value::Array(items) => items.iter_mut().for_each(|item| prose(item, act)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.as_str();
                if OPEN.contains(&name) {
                    everything(value, act);
                } else if WORDS.contains(&name) {
                    prose(value, act);
                }
            }
        }
        _ => {}
    }
}

fn everything(value: &mut Value, act: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => act(text),
        Value::Array(items) => items.iter_mut().for_each(|item| everything(item, act)),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| everything(value, act)),
        _ => {}
    }
}
