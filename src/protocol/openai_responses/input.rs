//! Translates the items of an earlier answer and of this request to Gemini's system instruction and contents.
//!
//! The model's texts and calls are items of their own in this API. All of them up to the next item from someone else
//! form one turn.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::value::RawValue;

use super::kept::{self, Kept};
use super::namespaces::joined;
use super::parts;
use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::rules::conversation::{Conversation, History, PastCall, ToolResult, arguments};
use crate::protocol::rules::document::{missing, nested, unknown_kind};
use crate::protocol::rules::signature_mark;
use crate::protocol::rules::tools::gemini_name;
use crate::wire::gemini::request::Part;
use crate::wire::json::{self, Json, Shape};
use crate::wire::openai::responses::{Item, Request};

/// Reads the earlier answer's conversation, the instructions and the input.
///
/// # Errors
/// 400, naming the item and field; also when the earlier answer is not known.
pub fn read<'a>(request: &'a Request<'a>, target: &'a Target<'a>) -> Result<History<'a>, Error> {
    let kept = target.earlier.and_then(Kept::read);
    let conversation = Conversation::new(target);
    let mut reader = Reader { target, kept, conversation, said: Vec::new(), calls: Vec::new(), signature: None };
    let instructions = parts::read(request.instructions, &"instructions", target)?;
    reader.conversation.system(instructions);
    if let Some(id) = &request.previous_response_id {
        let known = reader.kept.as_ref().map(|kept| kept.items.clone()).ok_or_else(|| not_found(id))?;
        for item in known {
            reader.item(nested(item, &"previous_response_id")?, &"previous_response_id")?;
        }
    }
    match request.input.filter(|raw| Shape::of(raw) != Shape::Null) {
        None => {}
        Some(raw) if Shape::of(raw) == Shape::String => {
            reader.turn_over(&"input")?;
            reader.conversation.user(parts::read(Some(raw), &"input", target)?);
        }
        Some(raw) => {
            let items: Vec<Item<'a>> = nested(raw, &"input")?;
            for (index, item) in items.into_iter().enumerate() {
                reader.item(item, &format_args!("input[{index}]"))?;
            }
        }
    }
    reader.turn_over(&"input")?;
    reader.close_step(&"input")?;
    Ok(reader.conversation.finish("input", &"input"))
}

fn not_found(id: &str) -> Error {
    let shown: String = id.chars().take(100).collect::<String>().escape_debug().collect();
    let message = format!(
        "Previous response with id '{shown}' not found. Responses are stored for a day, for the client that made them; send the whole conversation as `input` instead."
    );
    Error::invalid(message).param("previous_response_id").code("previous_response_not_found")
}

/// Only items that an answer has left can be referenced.
fn unknown_item(id: &str, place: &dyn Display) -> Error {
    let shown: String = id.chars().take(100).collect::<String>().escape_debug().collect();
    let message = format!(
        "Item with id '{shown}' not found in the conversation of the last answer that the input refers to. Answers are stored for a day, for the client that made them, unless it set `store: false`; send the item itself."
    );
    Error::invalid(message).param(place.to_string())
}

/// Returns the ids of calls that came back without the item that carried their signature. Unreadable items are skipped
/// here; translation reports them.
pub fn unsigned_calls(input: Option<&RawValue>) -> Vec<Cow<'_, str>> {
    let calls = |raw: &&RawValue| memchr::memmem::find(raw.get().as_bytes(), b"_call\"").is_some();
    let items = input.filter(calls).and_then(|raw| json::read::<Vec<Item<'_>>>(raw.get()).ok());
    let (mut unsigned, mut signed) = (Vec::new(), false);
    for item in items.into_iter().flatten() {
        match item.kind.as_deref() {
            Some("reasoning") => {
                signed |= item.encrypted_content.as_deref().and_then(signature_mark::unmarked).is_some()
            }
            Some("function_call" | "custom_tool_call") if !std::mem::take(&mut signed) => unsigned.extend(item.call_id),
            _ => {}
        }
    }
    unsigned
}

struct Reader<'a> {
    target: &'a Target<'a>,
    /// The items that an earlier answer has left.
    kept: Option<Kept<'a>>,
    conversation: Conversation<'a>,
    /// The model's texts in the current turn.
    said: Vec<Part<'a>>,
    /// The model's calls in the current turn.
    calls: Vec<PastCall<'a>>,
    /// The signature carried by a reasoning item. It belongs to the call after it, or else to the text before it.
    signature: Option<Cow<'a, str>>,
}

impl<'a> Reader<'a> {
    fn item(&mut self, item: Item<'a>, place: &dyn Display) -> Result<(), Error> {
        match (item.kind.as_deref(), item.role.as_deref()) {
            (Some("message") | None, Some(_)) => self.message(item, place),
            (Some("function_call" | "custom_tool_call"), _) => self.call(item, place),
            (Some("function_call_output" | "custom_tool_call_output"), _) => self.output(item, place),
            // Google does not want the text of thoughts back.
            (Some("reasoning"), _) => {
                let carried = item.encrypted_content.as_deref().and_then(signature_mark::unmarked);
                self.signature = carried.map(|text| Cow::Owned(text.to_owned())).or(self.signature.take());
                Ok(())
            }
            (Some("item_reference"), _) => {
                let id = item.id.ok_or_else(|| missing(format!("{place}.id")))?;
                let known =
                    self.kept.as_ref().and_then(|kept| kept.find(&id)).filter(|raw| kept::reference(raw).is_none());
                let known = known.ok_or_else(|| unknown_item(&id, place))?;
                self.item(nested(known, place)?, place)
            }
            // Search results are left out: the text about them remains.
            (Some("web_search_call"), _) => Ok(()),
            (Some(kind), _) if is_others_work(kind) => {
                self.target.notes.dropped(place, "another vendor's tool calls are not passed on");
                Ok(())
            }
            (Some("message"), None) => Err(missing(format!("{place}.role"))),
            (kind, _) => {
                let known = "'message', 'reasoning', 'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output', and 'item_reference'";
                Err(unknown_kind(kind, known, &format_args!("{place}.type")))
            }
        }
    }

    fn message(&mut self, item: Item<'a>, place: &dyn Display) -> Result<(), Error> {
        let read = parts::read(item.content, &format_args!("{place}.content"), self.target)?;
        match item.role.as_deref() {
            Some("assistant") => self.said.extend(read),
            Some("user") => {
                self.turn_over(place)?;
                self.conversation.user(read);
            }
            Some("system" | "developer") => self.conversation.system(read),
            role => {
                let known = "'user', 'assistant', 'system', and 'developer'";
                return Err(unknown_kind(role, known, &format_args!("{place}.role")));
            }
        }
        Ok(())
    }

    fn call(&mut self, item: Item<'a>, place: &dyn Display) -> Result<(), Error> {
        let id = item.call_id.filter(|id| !id.is_empty()).ok_or_else(|| missing(format!("{place}.call_id")))?;
        let name = item.name.filter(|name| !name.is_empty()).ok_or_else(|| missing(format!("{place}.name")))?;
        let args = match &item.input {
            Some(input) => Json::from_value(&serde_json::json!({ "input": input })),
            None => arguments(item.arguments),
        };
        let (name, signature) = (joined(item.namespace.as_ref(), &name), self.signature.take());
        let name = gemini_name(&name);
        self.calls.push(PastCall { id, name, args, signature, place: self.target.notes.place(place) });
        Ok(())
    }

    fn output(&mut self, item: Item<'a>, place: &dyn Display) -> Result<(), Error> {
        self.turn_over(place)?;
        let id = item.call_id.ok_or_else(|| missing(format!("{place}.call_id")))?;
        let inside = format_args!("{place}.output");
        let result = ToolResult::from(output(item.output, &inside, self.target)?);
        if self.conversation.result(|waiting| waiting.id == id, result, &inside) {
            return Ok(());
        }
        let shown: String = id.chars().take(64).collect();
        let message = format!("No tool call found for function call output with call_id {}.", shown.escape_debug());
        Err(Error::invalid(message).param(format!("{place}.call_id")))
    }

    /// Ends the model's turn, if there is one.
    fn turn_over(&mut self, place: &dyn Display) -> Result<(), Error> {
        if self.said.is_empty() && self.calls.is_empty() {
            return Ok(());
        }
        self.close_step(place)?;
        // No call followed the reasoning item, so its signature belongs to the last text.
        if let (Some(signature), Some(last)) = (self.signature.take(), self.said.last_mut())
            && self.calls.is_empty()
            && !self.target.remedies.placeholder_signatures
        {
            last.thought_signature = Some(signature);
        }
        self.conversation.model(std::mem::take(&mut self.said), std::mem::take(&mut self.calls));
        Ok(())
    }

    fn close_step(&mut self, place: &dyn Display) -> Result<(), Error> {
        self.conversation.close_step().map_err(|unanswered| {
            let message = format!("No tool output found for function call {}.", unanswered.join(", "));
            Error::invalid(message).param(place.to_string())
        })
    }
}

/// Reads the output of a call. Objects are accepted too, because some clients send them.
fn output<'a>(raw: Option<&'a RawValue>, place: &dyn Display, target: &'a Target<'_>) -> Result<Vec<Part<'a>>, Error> {
    match raw {
        Some(raw) if Shape::of(raw) == Shape::Object => Ok(vec![Part::text(raw.get())]),
        raw => parts::read(raw, place, target),
    }
}

fn is_others_work(kind: &str) -> bool {
    kind.ends_with("_call") || kind.ends_with("_call_output") || kind.starts_with("mcp_") || kind == "compaction"
}
