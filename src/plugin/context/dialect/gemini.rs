//! Answers in Gemini's own form: the parts of the first candidate.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::wire::json::{self, Step};

/// Returns the text of an answer, or its reasoning.
pub fn text(body: &Value, thought: bool) -> String {
    let wanted = parts(body).filter(|part| is_text(part, thought));
    wanted.filter_map(|part| part["text"].as_str()).collect()
}

/// Returns the same as [`text`] from a document that was not parsed. Reads only the parts, and nothing behind them. None
/// if the document must be parsed after all.
pub fn peek_text(bytes: &[u8], thought: bool) -> Option<String> {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        text: Option<Text<'a>>,
        #[serde(default)]
        thought: bool,
    }

    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    const PARTS: &[Step] = &[Step::Member("candidates"), Step::First, Step::Member("content"), Step::Member("parts")];
    let parts: Vec<Part<'_>> = json::read(json::find(json::utf8(bytes).ok()?, PARTS)?).ok()?;
    let wanted = parts.iter().filter(|part| part.thought == thought).filter_map(|part| part.text.as_ref());
    Some(wanted.map(|text| &*text.0).collect())
}

/// Puts the whole text into the first part of its kind and empties the others. Emptied parts stay, because they may
/// carry a signature.
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

/// Returns the function calls.
pub fn calls(body: &Value) -> Value {
    parts(body).filter_map(|part| part.get("functionCall").cloned()).collect()
}

fn parts(body: &Value) -> impl Iterator<Item = &Value> {
    body.pointer("/candidates/0/content/parts").and_then(Value::as_array).into_iter().flatten()
}

fn is_text(part: &Value, thought: bool) -> bool {
    part.get("text").is_some() && (part["thought"] == true) == thought
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_sees_what_the_whole_shows() {
        for document in [
            r#"{"candidates":[{"content":{"parts":[{"text":"a"},{"text":"b","thought":true},{"functionCall":{}},{"text":"\u0063"}]}},{"content":{"parts":[{"text":"d"}]}}]}"#,
            r#"{"candidates":[{"content":{"role":"model","parts":[]}}],"usageMetadata":{}}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":null,"thoughtSignature":"s"}]}}]}"#,
            r#"{"candidates":[{"finishReason":"STOP"}]}"#,
            r#"{"promptFeedback":{}}"#,
        ] {
            for thought in [false, true] {
                let whole = serde_json::from_str(document).ok().map(|body| text(&body, thought));
                let seen = peek_text(document.as_bytes(), thought);
                assert!(seen.is_none() || seen == whole, "{document}: {seen:?} is not {whole:?}");
            }
        }
        let cut = br#"{"candidates":[{"content":{"parts":[{"text":"a"}]}},"#;
        assert_eq!(peek_text(cut, false).as_deref(), Some("a"), "what is behind the parts is not looked at");
        let said = br#"{"candidates":[{"content":{"parts":[{"text":"a"},{"text":"b"}]}}]}"#;
        assert_eq!(peek_text(said, false).as_deref(), Some("ab"), "without the tree");
    }
}
