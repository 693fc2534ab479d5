//! Requests in the client's protocol and requests to Gemini: the system prompt and the messages.

use std::borrow::Cow;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answer, Api, set_at, words};
use crate::wire::json;

/// Returns the model that a request names and whether it asks for a stream. Invalid requests are rejected elsewhere.
pub fn asked(bytes: &[u8]) -> (String, bool) {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Incoming<'a> {
        #[serde(borrow)]
        model: Cow<'a, str>,
        stream: bool,
    }
    let asked: Incoming<'_> = json::read_slice(bytes).unwrap_or_default();
    (asked.model.into_owned(), asked.stream)
}

/// The name of the field that holds the messages.
pub fn place(api: Api) -> &'static str {
    match api {
        Api::Chat | Api::Messages => "messages",
        Api::Responses | Api::Other => "input",
        Api::Native => "contents",
    }
}

/// Returns the messages in the protocol's own form. A string input counts as one message.
pub fn messages(api: Api, body: &Value) -> Cow<'_, [Value]> {
    match &body[place(api)] {
        Value::Array(messages) => Cow::Borrowed(messages),
        Value::String(text) => Cow::Owned(vec![new_message(api, "user", text)]),
        _ => Cow::default(),
    }
}

/// Returns the role of a message: `user`, `assistant`, `system` or `tool`. Gemini's `model` is returned as
/// `assistant`.
pub fn message_role(api: Api, message: &Value) -> &str {
    match (api, message["role"].as_str()) {
        (Api::Native, Some("model")) => "assistant",
        (Api::Responses, None) if message["type"] == "function_call" => "assistant",
        (Api::Responses, None) if message["type"] == "function_call_output" => "tool",
        (_, Some("developer")) => "system",
        (_, Some(role)) => role,
        (_, None) => "user",
    }
}

/// Returns the text of a message.
pub fn message_text(api: Api, message: &Value) -> String {
    match (api, message) {
        (_, Value::String(text)) => text.clone(),
        (Api::Native, message) => words(&message["parts"]),
        (_, message) => words(&message["content"]),
    }
}

/// Replaces the text of a message; its images stay.
pub fn set_message_text(api: Api, message: &mut Value, new: &str) {
    let part = match api {
        Api::Native => json!({ "text": new }),
        Api::Responses if message_role(api, message) == "assistant" => json!({ "type": "output_text", "text": new }),
        Api::Responses => json!({ "type": "input_text", "text": new }),
        _ => json!({ "type": "text", "text": new }),
    };
    let field = if api == Api::Native { "parts" } else { "content" };
    match message {
        Value::Object(message) => match message.get_mut(field) {
            Some(Value::Array(parts)) => {
                // At the position of the first text part, if there was one.
                let at = parts.iter().position(|part| part.get("text").is_some()).unwrap_or(0);
                parts.retain(|part| part.get("text").is_none());
                parts.insert(at.min(parts.len()), part);
            }
            _ if api == Api::Native => drop(message.insert(field.to_owned(), json!([part]))),
            _ => drop(message.insert(field.to_owned(), json!(new))),
        },
        message => *message = json!(new),
    }
}

/// Creates a message with one text.
pub fn new_message(api: Api, role: &str, text: &str) -> Value {
    match api {
        Api::Native => {
            json!({ "role": if role == "assistant" { "model" } else { role }, "parts": [{ "text": text }] })
        }
        Api::Other => json!(text),
        _ => json!({ "role": role, "content": text }),
    }
}

/// Returns the system prompt.
pub fn system(api: Api, body: &Value) -> String {
    match api {
        Api::Chat | Api::Responses => {
            let own = body["instructions"].as_str().filter(|_| api == Api::Responses).map(str::to_owned);
            let said = messages(api, body);
            let said = said.iter().filter(|message| message_role(api, message) == "system");
            own.into_iter().chain(said.map(|message| message_text(api, message))).collect::<Vec<_>>().join("\n")
        }
        Api::Messages => words(&body["system"]),
        Api::Native => body.get(native_system(body)).map(|system| words(&system["parts"])).unwrap_or_default(),
        Api::Other => String::new(),
    }
}

/// Sets the system prompt as one text, in the place where the protocol keeps it. An empty text removes it.
///
/// # Errors
/// Fails if the body has nowhere to put it.
pub fn set_system(api: Api, body: &mut Value, new: &str) -> Answer<()> {
    if let Some(Value::Array(messages)) = body.get_mut(place(api))
        && matches!(api, Api::Chat | Api::Responses)
    {
        messages.retain(|message| message_role(api, message) != "system");
    }
    match api {
        Api::Chat => {
            let messages =
                body.get_mut("messages").and_then(Value::as_array_mut).ok_or("`messages` is not an array")?;
            if !new.is_empty() {
                messages.insert(0, new_message(api, "system", new));
            }
            Ok(())
        }
        Api::Responses => set_or_remove(body, "instructions", new, json!(new)),
        Api::Messages => set_or_remove(body, "system", new, json!(new)),
        Api::Native => {
            let name = native_system(body);
            set_or_remove(body, name, new, json!({ "parts": [{ "text": new }] }))
        }
        Api::Other => Err("this kind of request has no system prompt".into()),
    }
}

/// Google's JSON accepts both names.
fn native_system(body: &Value) -> &'static str {
    if body.get("system_instruction").is_some() { "system_instruction" } else { "systemInstruction" }
}

fn set_or_remove(body: &mut Value, name: &str, text: &str, new: Value) -> Answer<()> {
    if !text.is_empty() {
        return set_at(body, name, new);
    }
    if let Some(body) = body.as_object_mut() {
        body.shift_remove(name);
    }
    Ok(())
}

/// Returns the text of the last user message.
pub fn last_user_text(api: Api, body: &Value) -> String {
    let messages = messages(api, body);
    let last = messages.iter().rev().find(|message| message_role(api, message) == "user");
    last.map(|message| message_text(api, message)).unwrap_or_default()
}

/// Returns the same as [`last_user_text`], but parses only that message, and the others not into trees. Returns None
/// if the tree is required after all.
pub fn peek_last_user_text(api: Api, bytes: &[u8]) -> Option<String> {
    let mut json = serde_json::Deserializer::from_str(std::str::from_utf8(bytes).ok()?);
    let messages = json.deserialize_map(Messages(place(api))).ok()?;
    json.end().ok()?;
    for message in messages.into_iter().rev() {
        let message: Value = json::read(message.get()).ok()?;
        if message_role(api, &message) == "user" {
            return Some(message_text(api, &message));
        }
    }
    Some(String::new())
}

/// Reads the array of this name from an object, its elements as they are written.
struct Messages(&'static str);

impl<'a> Visitor<'a> for Messages {
    type Value = Vec<&'a RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an object with one array `{}`", self.0)
    }

    fn visit_map<M: MapAccess<'a>>(self, mut fields: M) -> Result<Self::Value, M::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut found = None;
        while let Some(name) = fields.next_key::<Name<'a>>()? {
            if name.0 != self.0 {
                fields.next_value::<IgnoredAny>()?;
            } else if found.replace(fields.next_value()?).is_some() {
                return Err(M::Error::duplicate_field(self.0));
            }
        }
        found.ok_or_else(|| M::Error::missing_field(self.0))
    }
}

/// Replaces the text of the last user message.
///
/// # Errors
/// Fails if there is no user message.
pub fn set_last_user_text(api: Api, body: &mut Value, new: &str) -> Answer<()> {
    match body.get_mut(place(api)) {
        Some(Value::Array(messages)) => {
            let last = messages.iter_mut().rev().find(|message| message_role(api, message) == "user");
            set_message_text(api, last.ok_or("there is no user's message")?, new);
        }
        Some(input @ Value::String(_)) => *input = json!(new),
        _ => return Err("there is no user's message".into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_sees_what_the_whole_shows() {
        let chat = r#"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#;
        for (api, document) in [
            (Api::Chat, chat),
            (Api::Chat, r#"{"messages":[{"content":[{"text":"\u0061"},{"image":{}},{"text":"b"}]},{"role":"tool"}]}"#),
            (Api::Chat, r#"{"messages":[{"role":"user","content":"a"}],"\u006dessages":[]}"#),
            (Api::Chat, r#"{"messages":[{"role":"user","content":"a","content":"b"}],"x":[[],{"y":-1.5e3}]}"#),
            (Api::Chat, r#"{"messages":[{"role":"system","content":"a"}],"stop":null}"#),
            (Api::Chat, r#"{"messages":[{"role":"user","content":"a"}]"#),
            (Api::Chat, r#"{"messages":[{"role":"user","content":"a"}]} {}"#),
            (Api::Chat, r#"{"messages":[{"role":"user","content":"\ud800"}]}"#),
            (Api::Chat, r#"{"messages":{"role":"user"}}"#),
            (Api::Chat, r#"["messages"]"#),
            (Api::Messages, r#"{"system":"s","messages":["x",7,{"role":"user","content":null}]}"#),
            (Api::Responses, r#"{"input":"a"}"#),
            (Api::Responses, r#"{"input":[{"content":"a"},{"type":"function_call_output","output":"b"}]}"#),
            (Api::Native, r#"{"contents":[{"parts":[{"text":"a"},{"text":"b"}]},{"role":"model","parts":[]}]}"#),
            (Api::Other, "{}"),
        ] {
            let whole = serde_json::from_str(document).ok().map(|body| last_user_text(api, &body));
            let seen = peek_last_user_text(api, document.as_bytes());
            assert!(seen.is_none() || seen == whole, "{document}: {seen:?} is not {whole:?}");
        }
        assert_eq!(peek_last_user_text(Api::Chat, chat.as_bytes()).as_deref(), Some("a"), "without the tree");
    }
}
