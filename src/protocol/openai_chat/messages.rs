//! Translates OpenAI's messages to Gemini's system instruction and contents.

use std::borrow::Cow;
use std::fmt::Display;

use super::parts;
use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::rules::conversation::{Conversation, History, PastCall, PendingCall, arguments};
use crate::protocol::rules::document;
use crate::protocol::rules::tools::gemini_name;
use crate::wire::gemini::request::Part;
use crate::wire::json::{Json, Shape};
use crate::wire::openai::chat::{Message, ToolCall};

/// Reads the messages.
///
/// # Errors
/// 400, naming the message and field.
pub fn read<'a>(messages: &'a [Message<'a>], target: &'a Target<'a>) -> Result<History<'a>, Error> {
    let mut reader = Reader { target, conversation: Conversation::new(target) };
    for (index, message) in messages.iter().enumerate() {
        reader.message(index, message)?;
    }
    reader.close_step(messages.len())?;
    let last = format_args!("messages[{}]", messages.len().saturating_sub(1));
    Ok(reader.conversation.finish("messages", &last))
}

/// Returns the ids of calls that came back without the signature they were issued with.
pub fn unsigned_calls<'m>(messages: &'m [Message<'_>]) -> Vec<Cow<'m, str>> {
    let calls = messages.iter().flat_map(|message| message.tool_calls.iter().flatten());
    let unsigned = calls.filter(|call| call.extra_content.as_ref().and_then(|extra| extra.signature()).is_none());
    unsigned.filter_map(|call| call.id.as_deref().map(Cow::Borrowed)).collect()
}

struct Reader<'a> {
    target: &'a Target<'a>,
    conversation: Conversation<'a>,
}

impl<'a> Reader<'a> {
    fn message(&mut self, index: usize, message: &'a Message<'a>) -> Result<(), Error> {
        match message.role.as_deref() {
            Some("system" | "developer") => {
                self.conversation.system(parts::texts(message, index)?.into_iter().map(Part::text));
            }
            Some("user") => {
                self.conversation.user(parts::read(message, index, self.target)?);
            }
            Some("assistant") => {
                self.close_step(index)?;
                self.assistant(index, message)?;
            }
            Some("tool") => {
                let id = message.tool_call_id.as_deref().ok_or_else(|| {
                    missing(index, "tool_call_id", "a message with role 'tool' must name the call it answers")
                })?;
                self.result(index, message, |waiting| waiting.id == id, "tool_call_id")?;
            }
            Some("function") => {
                let name = message.name.as_deref().ok_or_else(|| {
                    missing(index, "name", "a message with role 'function' must name the function it answers")
                })?;
                let why = "the name of a function that answers";
                self.target.notes.renamed(format_args!("messages[{index}].name"), why);
                self.result(index, message, |waiting| waiting.name == name, "name")?;
            }
            Some(other) => {
                let shown: String = other.chars().take(64).collect();
                let message = format!(
                    "Invalid value: '{}'. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool', and 'function'.",
                    shown.escape_debug()
                );
                return Err(Error::invalid(message).param(format!("messages[{index}].role")).code("invalid_value"));
            }
            None => return Err(missing(index, "role", "each message has a role")),
        }
        Ok(())
    }

    fn assistant(&mut self, index: usize, message: &'a Message<'a>) -> Result<(), Error> {
        if message.audio.is_some_and(|raw| Shape::of(raw) != Shape::Null) {
            let text = "Gemini stores no spoken answers: send the transcript as `content`.";
            return Err(Error::invalid(text).param(format!("messages[{index}].audio")).code("unsupported_value"));
        }
        let mut said: Vec<Part<'a>> = parts::texts(message, index)?.into_iter().map(Part::text).collect();
        if let Some(signature) = message.extra_content.as_ref().and_then(|extra| extra.signature())
            && !self.target.remedies.placeholder_signatures
            && let Some(last) = said.last_mut()
        {
            last.thought_signature = Some(signature.clone());
        }
        let mut calls = Vec::new();
        for (number, call) in message.tool_calls.iter().flatten().enumerate() {
            calls.push(self.tool_call(call, &format_args!("messages[{index}].tool_calls[{number}]"))?);
        }
        if let Some(function) = &message.function_call {
            let name = called_name(function.name.as_ref(), &format_args!("messages[{index}].function_call"))?;
            let (id, args) = (Cow::Borrowed(""), arguments(function.arguments));
            let place = self.target.notes.place(format_args!("messages[{index}].extra_content"));
            calls.push(PastCall { id, name, args, signature: None, place });
        }
        self.conversation.model(said, calls);
        Ok(())
    }

    /// Reads a call the assistant made.
    fn tool_call(&self, call: &'a ToolCall<'a>, place: &dyn Display) -> Result<PastCall<'a>, Error> {
        let id = call.id.clone().filter(|id| !id.is_empty()).ok_or_else(|| document::missing(format!("{place}.id")))?;
        let (name, args) = match (&call.function, &call.custom) {
            (Some(function), _) => {
                (called_name(function.name.as_ref(), &format_args!("{place}.function"))?, arguments(function.arguments))
            }
            (None, Some(custom)) => {
                let name = called_name(custom.name.as_ref(), &format_args!("{place}.custom"))?;
                (name, Json::from_value(&serde_json::json!({ "input": custom.input.as_deref().unwrap_or_default() })))
            }
            (None, None) => return Err(document::missing(format!("{place}.function"))),
        };
        let signature = call.extra_content.as_ref().and_then(|extra| extra.signature()).cloned();
        let place = self.target.notes.place(format_args!("{place}.extra_content"));
        Ok(PastCall { id, name, args, signature, place })
    }

    fn result(
        &mut self,
        index: usize,
        message: &'a Message<'a>,
        answers: impl Fn(&PendingCall<'a>) -> bool,
        field: &str,
    ) -> Result<(), Error> {
        let place = format_args!("messages[{index}].content");
        if self.conversation.result(answers, parts::read(message, index, self.target)?.into(), &place) {
            return Ok(());
        }
        let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        Err(Error::invalid(text).param(format!("messages[{index}].{field}")))
    }

    /// Checks that all calls have their results before the message with this index.
    fn close_step(&mut self, index: usize) -> Result<(), Error> {
        self.conversation.close_step().map_err(|unanswered| {
            let text = format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
                unanswered.join(", ")
            );
            Error::invalid(text).param(format!("messages[{}]", index.saturating_sub(1)))
        })
    }
}

fn called_name<'a>(name: Option<&Cow<'a, str>>, place: &dyn Display) -> Result<Cow<'a, str>, Error> {
    match name {
        Some(name) if !name.is_empty() => Ok(gemini_name(name)),
        _ => Err(document::missing(format!("{place}.name"))),
    }
}

fn missing(index: usize, field: &str, why: &str) -> Error {
    let param = format!("messages[{index}].{field}");
    Error::invalid(format!("Missing required parameter: '{param}': {why}."))
        .param(param)
        .code("missing_required_parameter")
}
