//! Requests in the client's protocol and requests to Gemini: the system prompt and the messages.

use serde_json::{Value, json};

use super::{Answer, Api, set_at, words};

/// The name of the field that holds the messages.
pub fn place(api: Api) -> &'static str {
    match api {
        Api::Chat | Api::Messages => "messages",
        Api::Responses | Api::Other => "input",
        Api::Native => "contents",
    }
}

/// Returns the messages in the protocol's own form. A string input counts as one message.
pub fn messages(api: Api, body: &Value) -> Vec<Value> {
    match &body[place(api)] {
        Value::Array(messages) => messages.clone(),
        Value::String(text) => vec![new_message(api, "user", text)],
        _ => Vec::new(),
    }
}

/// Returns the role of a message: `user`, `assistant`, `system` or `tool`. Gemini's `model` is returned as
/// `assistant`.
pub fn message_role(api: Api, message: &Value) -> String {
    match (api, message["role"].as_str()) {
        (Api::Native, Some("model")) => "assistant".to_owned(),
        (Api::Responses, None) if message["type"] == "function_call" => "assistant".to_owned(),
        (Api::Responses, None) if message["type"] == "function_call_output" => "tool".to_owned(),
        (_, Some("developer")) => "system".to_owned(),
        (_, Some(role)) => role.to_owned(),
        (_, None) => "user".to_owned(),
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
