//! Translates Anthropic's system prompt and messages to Gemini's system instruction and contents.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::value::RawValue;

use super::blocks;
use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::rules::conversation::{Conversation, History, PastCall, ToolResult, arguments};
use crate::protocol::rules::document::{Content, content, missing, unknown_kind};
use crate::protocol::rules::signature_mark;
use crate::protocol::rules::tools::gemini_name;
use crate::wire::anthropic::messages::{Block, Message, Request};
use crate::wire::json;

/// Reads the system prompt and the messages, which follow those stored in the request's thread.
///
/// # Errors
/// 400, naming the message and block.
pub fn read<'a>(
    request: &'a Request<'a>,
    held: Option<&'a Request<'a>>,
    target: &'a Target<'a>,
) -> Result<History<'a>, Error> {
    let messages = request.messages.as_deref().unwrap_or_default();
    let mut reader = Reader { target, conversation: Conversation::new(target) };
    reader.conversation.system(blocks::words(request.system.or_else(|| held?.system), &"system")?);
    for message in held.and_then(|held| held.messages.as_deref()).into_iter().flatten() {
        reader.message(message, &"thread.previous_message_id")?;
    }
    for (index, message) in messages.iter().enumerate() {
        reader.message(message, &format_args!("messages[{index}]"))?;
    }
    reader.close_step(&"messages")?;
    let last = format_args!("messages[{}]", messages.len().saturating_sub(1));
    Ok(reader.conversation.finish("messages", &last))
}

/// Returns the ids of calls that came back without the thinking block that carried their signature. Unreadable content
/// is skipped here; translation reports it.
pub fn unsigned_calls<'m>(messages: &'m [Message<'_>]) -> Vec<Cow<'m, str>> {
    let mut unsigned = Vec::new();
    for message in messages {
        let calls = |raw: &&RawValue| memchr::memmem::find(raw.get().as_bytes(), b"\"tool_use\"").is_some();
        let blocks = message.content.filter(calls);
        let blocks = blocks.and_then(|raw| json::read::<Vec<Block<'_>>>(raw.get()).ok());
        let mut signed = false;
        for block in blocks.into_iter().flatten() {
            match block.kind.as_deref() {
                Some("thinking" | "redacted_thinking") => {
                    let carried = block.signature.as_deref().or(block.data.as_deref());
                    signed |= carried.and_then(signature_mark::unmarked).is_some();
                }
                Some("tool_use") if !std::mem::take(&mut signed) => unsigned.extend(block.id),
                _ => {}
            }
        }
    }
    unsigned
}

struct Reader<'a> {
    target: &'a Target<'a>,
    conversation: Conversation<'a>,
}

impl<'a> Reader<'a> {
    fn message(&mut self, message: &'a Message<'a>, place: &dyn Display) -> Result<(), Error> {
        let inside = format_args!("{place}.content");
        match message.role.as_deref() {
            Some("user") => self.user(content(message.content, &inside)?, &inside),
            Some("assistant") => {
                self.close_step(place)?;
                self.assistant(content(message.content, &inside)?, &inside)
            }
            Some("system") => {
                self.conversation.system(blocks::words(message.content, &inside)?);
                Ok(())
            }
            role => Err(unknown_kind(role, "'user', 'assistant', and 'system'", &format_args!("{place}.role"))),
        }
    }

    /// Reads a user message: tool results first, then the remaining content.
    fn user(&mut self, read: Content<'a, Block<'a>>, place: &dyn Display) -> Result<(), Error> {
        let said = read.parts(place, |block, place| {
            if block.kind.as_deref() == Some("tool_result") {
                self.result(block, place).map(|()| Vec::new())
            } else {
                blocks::read(block, place, self.target)
            }
        })?;
        self.conversation.user(said);
        Ok(())
    }

    fn result(&mut self, block: Block<'a>, place: &dyn Display) -> Result<(), Error> {
        let id = block.tool_use_id.ok_or_else(|| missing(format!("{place}.tool_use_id")))?;
        let inside = format_args!("{place}.content");
        let parts = blocks::all(block.content, &inside, self.target)?;
        let result = ToolResult { failed: block.is_error == Some(true), ..ToolResult::from(parts) };
        if self.conversation.result(|waiting| waiting.id == id, result, &inside) {
            return Ok(());
        }
        let shown: String = id.chars().take(64).collect();
        let message = format!(
            "{place}: unexpected `tool_use_id` found in `tool_result` blocks: {}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
            shown.escape_debug()
        );
        Err(Error::invalid(message).param(format!("{place}.tool_use_id")))
    }

    fn assistant(&mut self, read: Content<'a, Block<'a>>, place: &dyn Display) -> Result<(), Error> {
        let mut calls = Vec::new();
        // The signature carried by the thinking block before a call. It belongs to that call.
        let mut signature: Option<Cow<'a, str>> = None;
        let said = read.parts(place, |block, place| {
            match block.kind.as_deref() {
                Some("text") => return blocks::said(&block, place),
                // Google does not want the text of thoughts back.
                Some("thinking" | "redacted_thinking") => {
                    let carried = block.signature.as_deref().or(block.data.as_deref());
                    let ours = carried.and_then(signature_mark::unmarked).map(|text| Cow::Owned(text.to_owned()));
                    signature = ours.or(signature.take());
                }
                Some("tool_use") => calls.push(self.called(block, signature.take(), place)?),
                // Search results are left out: the text about them remains.
                Some("web_search_tool_result") => {}
                Some("server_tool_use") if block.name.as_deref() == Some("web_search") => {}
                Some(kind) if kind == "server_tool_use" || kind.ends_with("_tool_result") => {
                    self.target.notes.dropped(place, "another vendor's tool calls are not passed on");
                }
                kind => {
                    let known = "'text', 'thinking', 'redacted_thinking', and 'tool_use'";
                    return Err(unknown_kind(kind, known, &format_args!("{place}.type")));
                }
            }
            Ok(None)
        })?;
        self.conversation.model(said, calls);
        Ok(())
    }

    /// Reads a call the model made.
    fn called(
        &self,
        block: Block<'a>,
        signature: Option<Cow<'a, str>>,
        place: &dyn Display,
    ) -> Result<PastCall<'a>, Error> {
        let id = block.id.filter(|id| !id.is_empty()).ok_or_else(|| missing(format!("{place}.id")))?;
        let name = block.name.filter(|name| !name.is_empty()).ok_or_else(|| missing(format!("{place}.name")))?;
        let (name, args) = (gemini_name(&name), arguments(block.input));
        Ok(PastCall { id, name, args, signature, place: self.target.notes.place(place) })
    }

    fn close_step(&mut self, place: &dyn Display) -> Result<(), Error> {
        self.conversation.close_step().map_err(|unanswered| {
            let message = format!(
                "{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                unanswered.join(", ")
            );
            Error::invalid(message).param(place.to_string())
        })
    }
}
