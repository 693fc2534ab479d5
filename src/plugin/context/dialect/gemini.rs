//! Gemini's own answers: the first candidate's parts.

use serde_json::{Value, json};

/// Its words, or its thoughts.
pub fn text(body: &Value, thought: bool) -> String {
    let wanted = parts(body).filter(|part| is_text(part, thought));
    wanted.filter_map(|part| part["text"].as_str()).collect()
}

/// Puts all words into the first part of their kind; parts that bear a signature stay for its sake, empty.
pub fn set_text(body: &mut Value, thought: bool, new: &str) {
    let Some(parts) = body.pointer_mut("/candidates/0/content/parts").and_then(Value::as_array_mut) else { return };
    let mut left = Some(new);
    for part in parts.iter_mut().filter(|part| is_text(part, thought)) {
        part["text"] = json!(left.take().unwrap_or_default());
    }
    if let Some(text) = left.filter(|text| !text.is_empty()) {
        parts.push(if thought { json!({ "text": text, "thought": true }) } else { json!({ "text": text }) });
    }
}

/// Its calls.
pub fn calls(body: &Value) -> Value {
    parts(body).filter_map(|part| part.get("functionCall").cloned()).collect()
}

fn parts(body: &Value) -> impl Iterator<Item = &Value> {
    body.pointer("/candidates/0/content/parts").and_then(Value::as_array).into_iter().flatten()
}

fn is_text(part: &Value, thought: bool) -> bool {
    part.get("text").is_some() && (part["thought"] == true) == thought
}
