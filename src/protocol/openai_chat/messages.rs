//! The conversation: OpenAI's messages to Gemini's system instruction and contents.
//!
//! Gemini wants the results of all calls of a turn together, in one user turn right behind it, in the order of the calls. So
//! an assistant message with calls opens a [`Step`], which gathers results until each call has one.

use std::borrow::Cow;

use super::parts;
use super::tools::gemini_name;
use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::rules::{SIGNATURE_ESCAPE, tool_result};
use crate::wire::gemini::request::{Content, Data, FunctionCall, FunctionResponse, Part, Role};
use crate::wire::json::{Json, Shape, decode};
use crate::wire::openai::chat::{CalledFunction, Message, ToolCall};

/// A conversation as Gemini wants it.
#[derive(Debug, Default)]
pub struct History<'a> {
    /// The words of all system and developer messages, in order.
    pub system: Vec<Part<'a>>,
    /// The turns. Never empty.
    pub contents: Vec<Content<'a>>,
}

/// Reads the messages.
///
/// # Errors
/// 400, naming the message and field.
pub fn read<'a>(messages: &'a [Message<'a>], target: &'a Target<'a>) -> Result<History<'a>, Error> {
    let mut reader = Reader { target, count: messages.len(), history: History::default(), step: None };
    for (index, message) in messages.iter().enumerate() {
        reader.message(index, message)?;
    }
    reader.close_step(messages.len())?;
    Ok(reader.finish())
}

/// The ids of calls that come back without the signature they were given with.
pub fn unsigned_calls<'m>(messages: &'m [Message<'_>]) -> Vec<&'m str> {
    let calls = messages.iter().flat_map(|message| message.tool_calls.iter().flatten());
    let unsigned = calls.filter(|call| call.extra_content.as_ref().and_then(|extra| extra.signature()).is_none());
    unsigned.filter_map(|call| call.id.as_deref()).collect()
}

struct Reader<'a> {
    target: &'a Target<'a>,
    /// How many messages there are.
    count: usize,
    history: History<'a>,
    step: Option<Step<'a>>,
}

/// Calls of one assistant message that wait for their results.
struct Step<'a> {
    calls: Vec<Waiting<'a>>,
    /// What the user said before all results were there: it moves behind them.
    later: Vec<Content<'a>>,
}

struct Waiting<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    result: Option<Vec<Part<'a>>>,
}

impl<'a> Reader<'a> {
    fn message(&mut self, index: usize, message: &'a Message<'a>) -> Result<(), Error> {
        match message.role.as_deref() {
            Some("system" | "developer") => {
                self.history.system.extend(parts::texts(message, index)?.into_iter().map(Part::text));
            }
            Some("user") => {
                let content = Content { role: Some(Role::User), parts: parts::read(message, index, self.target)? };
                match &mut self.step {
                    _ if content.parts.is_empty() => {}
                    Some(step) => step.later.push(content),
                    None => self.history.contents.push(content),
                }
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
            let text = "Gemini keeps no spoken answers: send what was said as `content`.";
            return Err(Error::invalid(text).param(format!("messages[{index}].audio")).code("unsupported_value"));
        }
        let mut content = Content { role: Some(Role::Model), parts: Vec::new() };
        content.parts.extend(parts::texts(message, index)?.into_iter().map(Part::text));
        if let Some(signature) = message.extra_content.as_ref().and_then(|extra| extra.signature())
            && !self.target.remedies.placeholder_signatures
            && let Some(last) = content.parts.last_mut()
        {
            last.thought_signature = Some(signature.clone());
        }
        let mut waiting = Vec::new();
        for (number, call) in message.tool_calls.iter().flatten().enumerate() {
            let place = format!("messages[{index}].tool_calls[{number}]");
            let (part, call) = self.tool_call(call, number == 0, &place)?;
            content.parts.push(part);
            waiting.push(call);
        }
        if let Some(function) = &message.function_call {
            let name = called_name(function.name.as_ref(), &format!("messages[{index}].function_call"))?;
            let mut part = call_part(None, name.clone(), arguments(function));
            part.thought_signature = self.target.model.facts.signatures.then(|| SIGNATURE_ESCAPE.into());
            content.parts.push(part);
            waiting.push(Waiting { id: Cow::Borrowed(""), name, result: None });
        }
        if !waiting.is_empty() {
            self.step = Some(Step { calls: waiting, later: Vec::new() });
        }
        if !content.parts.is_empty() {
            self.history.contents.push(content);
        }
        Ok(())
    }

    /// A call the assistant made, with the signature it came with: the client's if it kept it, else ours from memory. Gemini
    /// demands one on the first call of a step only.
    fn tool_call(&self, call: &'a ToolCall<'a>, first: bool, place: &str) -> Result<(Part<'a>, Waiting<'a>), Error> {
        let id = call.id.clone().filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::invalid(format!("Missing required parameter: '{place}.id'."))
                .param(format!("{place}.id"))
                .code("missing_required_parameter")
        })?;
        let (name, args) = match (&call.function, &call.custom) {
            (Some(function), _) => {
                (called_name(function.name.as_ref(), &format!("{place}.function"))?, arguments(function))
            }
            (None, Some(custom)) => {
                let name = called_name(custom.name.as_ref(), &format!("{place}.custom"))?;
                (name, Json::from_value(&serde_json::json!({ "input": custom.input.as_deref().unwrap_or_default() })))
            }
            (None, None) => {
                let message = format!("Missing required parameter: '{place}.function'.");
                return Err(Error::invalid(message)
                    .param(format!("{place}.function"))
                    .code("missing_required_parameter"));
            }
        };
        let mut part = call_part(Some(id.clone()), name.clone(), args);
        part.thought_signature = self.signature(call, &id, first, place);
        Ok((part, Waiting { id, name, result: None }))
    }

    /// The signature of a call: the client's if it kept it, else ours from memory, else Google's word for one that is lost.
    fn signature(&self, call: &'a ToolCall<'a>, id: &str, first: bool, place: &str) -> Option<Cow<'a, str>> {
        let trusted = !self.target.remedies.placeholder_signatures;
        if let Some(signature) = call.extra_content.as_ref().and_then(|extra| extra.signature()).filter(|_| trusted) {
            return Some(signature.clone());
        }
        if let Some(signature) = self.target.signatures.recall(id).filter(|_| trusted) {
            self.target
                .notes
                .adapted(format_args!("{place}.extra_content"), "the signature is remembered by the call's id");
            return Some(Cow::Owned(signature.to_string()));
        }
        let missed = first && self.target.model.facts.signatures;
        if missed {
            let why =
                "no signature of this call is known: Google's placeholder stands in, and the model may think anew";
            self.target.notes.emulated(format_args!("{place}.extra_content"), why);
        }
        missed.then(|| SIGNATURE_ESCAPE.into())
    }

    fn result(
        &mut self,
        index: usize,
        message: &'a Message<'a>,
        answers: impl Fn(&Waiting<'a>) -> bool,
        field: &str,
    ) -> Result<(), Error> {
        let calls = self.step.as_mut().map(|step| step.calls.as_mut_slice()).unwrap_or_default();
        // The same id twice in one step: the results come in the order of the calls. Repeated results: the last one counts.
        let open = calls.iter().position(|call| answers(call) && call.result.is_none());
        let found = open.or_else(|| calls.iter().rposition(&answers)).and_then(|at| calls.get_mut(at));
        let Some(call) = found else {
            let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
            return Err(Error::invalid(text).param(format!("messages[{index}].{field}")));
        };
        let mut parts = parts::result(message, index, self.target)?;
        let response = tool_result::response(&parts.text);
        let inside =
            if self.target.model.facts.media_in_results { std::mem::take(&mut parts.media) } else { Vec::new() };
        if !parts.media.is_empty() {
            let why = "this model takes no files in results: they stand behind them";
            self.target.notes.adapted(format_args!("messages[{index}].content"), why);
        }
        let id = (!call.id.is_empty()).then(|| call.id.clone());
        let data = Data::FunctionResponse(FunctionResponse { id, name: call.name.clone(), response, parts: inside });
        let mut result = vec![Part::from(data)];
        result.extend(parts.media);
        call.result = Some(result);
        Ok(())
    }

    /// Writes the results of the step that is open, in the order of its calls.
    fn close_step(&mut self, index: usize) -> Result<(), Error> {
        let Some(step) = self.step.take() else { return Ok(()) };
        let mut responses = Vec::new();
        let mut media = Vec::new();
        let mut unanswered = Vec::new();
        for call in step.calls {
            match call.result {
                Some(parts) => {
                    let mut parts = parts.into_iter();
                    responses.extend(parts.next());
                    media.extend(parts);
                }
                None => unanswered.push(call.id),
            }
        }
        if !unanswered.is_empty() {
            let text = format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
                unanswered.join(", ")
            );
            return Err(Error::invalid(text).param(format!("messages[{}]", index.saturating_sub(1))));
        }
        responses.extend(media);
        self.history.contents.push(Content { role: Some(Role::User), parts: responses });
        self.history.contents.extend(step.later);
        Ok(())
    }

    /// Mends what Gemini does not take: no turn at all, a model's turn first, a model's turn last.
    fn finish(self) -> History<'a> {
        let mut history = self.history;
        let user = |words: &'a str| Content { role: Some(Role::User), parts: vec![Part::text(words)] };
        if history.contents.first().is_none_or(|first| first.role == Some(Role::Model)) {
            self.target.notes.adapted("messages", "Gemini wants a user's turn first: a blank one was put there");
            history.contents.insert(0, user(" "));
        }
        let last = history.contents.last().and_then(|last| last.role);
        if last == Some(Role::Model) && !self.target.model.facts.prefill {
            let why = "this model does not go on with its own turn: a user's `Continue.` was put behind it";
            self.target.notes.emulated(format_args!("messages[{}]", self.count.saturating_sub(1)), why);
            history.contents.push(user("Continue."));
        }
        history
    }
}

fn call_part<'a>(id: Option<Cow<'a, str>>, name: Cow<'a, str>, args: Json<'a>) -> Part<'a> {
    Data::FunctionCall(FunctionCall { id, name, args }).into()
}

fn called_name<'a>(name: Option<&Cow<'a, str>>, place: &str) -> Result<Cow<'a, str>, Error> {
    match name {
        Some(name) if !name.is_empty() => Ok(gemini_name(name)),
        _ => Err(Error::invalid(format!("Missing required parameter: '{place}.name'."))
            .param(format!("{place}.name"))
            .code("missing_required_parameter")),
    }
}

/// A call's arguments as an object. They are history, which the client cannot mend: what is no object is wrapped, never
/// refused.
fn arguments<'a>(function: &'a CalledFunction<'a>) -> Json<'a> {
    let empty = || Json::from_value(&serde_json::json!({}));
    let Some(raw) = function.arguments else { return empty() };
    let text = match Shape::of(raw) {
        Shape::Object => return Json::Raw(raw),
        Shape::String => decode(raw).unwrap_or_default(),
        _ => Cow::Borrowed(raw.get()),
    };
    match text.trim() {
        "" | "null" => empty(),
        text => match Json::parse(text) {
            Some(Json::Own(raw)) if Shape::of(&raw) == Shape::Object => Json::Own(raw),
            Some(other) => wrapped("value", &other),
            None => wrapped("_raw", &text),
        },
    }
}

fn wrapped(key: &str, value: &impl serde::Serialize) -> Json<'static> {
    Json::from_value(&std::collections::BTreeMap::from([(key, value)]))
}

fn missing(index: usize, field: &str, why: &str) -> Error {
    let param = format!("messages[{index}].{field}");
    Error::invalid(format!("Missing required parameter: '{param}': {why}."))
        .param(param)
        .code("missing_required_parameter")
}
