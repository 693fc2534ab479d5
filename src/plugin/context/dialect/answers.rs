//! Complete answers in the client's protocol.

use serde_json::{Value, json};

use super::{Answer, Api, at, gemini};

/// Returns the text of an answer, or its reasoning.
pub fn text(api: Api, thought: bool, body: &Value) -> String {
    match api {
        Api::Chat => at(body, if thought { "/choices/0/message/reasoning_content" } else { CHAT_TEXT }).to_owned(),
        Api::Native => gemini::text(body, thought),
        Api::Responses | Api::Messages => spans(api, thought, body).join(""),
        Api::Other => at(body, "/choices/0/text").to_owned(),
    }
}

const CHAT_TEXT: &str = "/choices/0/message/content";

/// Sets the text or the reasoning. If the answer has several pieces, the first gets all of the text and the others
/// become empty.
///
/// # Errors
/// Fails if the answer has nowhere to put the text.
pub fn set_text(api: Api, thought: bool, body: &mut Value, new: &str) -> Answer<()> {
    match api {
        Api::Chat => {
            let name = if thought { "reasoning_content" } else { "content" };
            let message = body.pointer_mut("/choices/0/message").and_then(Value::as_object_mut);
            message.ok_or("the answer has no message")?.insert(name.to_owned(), json!(new));
        }
        Api::Native => gemini::set_text(body, thought, new),
        Api::Responses | Api::Messages => {
            let mut left = Some(new);
            each_span(api, thought, body, &mut |span| *span = json!(left.take().unwrap_or_default()));
            if left.is_some_and(|left| !left.is_empty()) {
                return Err("the answer has no text to set".into());
            }
        }
        Api::Other => *body.pointer_mut("/choices/0/text").ok_or("the answer has no text to set")? = json!(new),
    }
    Ok(())
}

/// Returns the tool calls of an answer, in the protocol's own form.
pub fn calls(api: Api, body: &Value) -> Value {
    let of_type = |list: &Value, kind: &str| -> Value {
        list.as_array().into_iter().flatten().filter(|item| item["type"] == kind).cloned().collect()
    };
    match api {
        Api::Chat => body.pointer("/choices/0/message/tool_calls").cloned().unwrap_or_else(|| json!([])),
        Api::Responses => of_type(&body["output"], "function_call"),
        Api::Messages => of_type(&body["content"], "tool_use"),
        Api::Native => gemini::calls(body),
        Api::Other => json!([]),
    }
}

fn spans(api: Api, thought: bool, body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    // Reads through the same function that writes: a copy is cheaper than maintaining a second description of where
    // the texts are.
    each_span(api, thought, &mut body.clone(), &mut |span| found.extend(span.as_str().map(str::to_owned)));
    found
}

/// Calls `act` on each text of one kind, in order. Responses has them in the content of messages and the summaries of
/// reasoning items, Messages in content blocks.
fn each_span(api: Api, thought: bool, body: &mut Value, act: &mut dyn FnMut(&mut Value)) {
    let list = if api == Api::Responses { "output" } else { "content" };
    for item in body.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
        let (kind, inner, name) = match (api, thought) {
            (Api::Responses, false) => ("message", Some("content"), "text"),
            (Api::Responses, true) => ("reasoning", Some("summary"), "text"),
            (_, false) => ("text", None, "text"),
            (_, true) => ("thinking", None, "thinking"),
        };
        if item["type"] != kind {
            continue;
        }
        match inner {
            None => item.get_mut(name).into_iter().for_each(&mut *act),
            Some(inner) => {
                let parts = item.get_mut(inner).and_then(Value::as_array_mut).into_iter().flatten();
                parts.filter_map(|part| part.get_mut(name)).for_each(&mut *act);
            }
        }
    }
}
