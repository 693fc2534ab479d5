//! Builds a conversation as Gemini requires it, turn by turn, for every dialect.
//!
//! Gemini requires the results of all calls of a turn together, in one user turn right after it, in the order of the
//! calls. A model turn with calls therefore opens a [`Step`], which collects results until each call has one.

use std::borrow::Cow;
use std::fmt::Display;

use super::{SIGNATURE_ESCAPE, tool_result};
use crate::protocol::Target;
use crate::wire::gemini::request::{Content, Data, FunctionCall, FunctionResponse, Part, Role};
use crate::wire::json::{Json, Shape, Text};

/// A complete conversation.
#[derive(Debug, Default)]
pub struct History<'a> {
    /// The texts of all system and developer messages, in order.
    pub system: Vec<Part<'a>>,
    /// The turns. There is at least one, and the first is a user turn.
    pub contents: Vec<Content<'a>>,
}

impl<'a> History<'a> {
    /// Returns the system instruction and the turns. For models that do not accept a system instruction, its texts are
    /// placed at the start of the first user turn.
    pub fn placed(mut self, target: &Target<'_>) -> (Option<Content<'a>>, Vec<Content<'a>>) {
        if self.system.is_empty() {
            return (None, self.contents);
        }
        if target.model.facts.system_instruction {
            return (Some(Content { role: None, parts: self.system }), self.contents);
        }
        if let Some(first) = self.contents.first_mut() {
            first.parts.splice(0..0, self.system);
        }
        (None, self.contents)
    }
}

/// A conversation under construction.
pub struct Conversation<'a> {
    target: &'a Target<'a>,
    history: History<'a>,
    step: Option<Step<'a>>,
}

/// A call the model made, as the client sends it back.
pub struct PastCall<'a> {
    /// The client's id for the call; empty where the dialect has none.
    pub id: Cow<'a, str>,
    /// Gemini's name for the function.
    pub name: Cow<'a, str>,
    /// The arguments: an object.
    pub args: Json<'a>,
    /// The signature that the client sent back with the call.
    pub signature: Option<Cow<'a, str>>,
    /// The location of the signature in the request.
    pub place: String,
}

/// The result of a tool call.
#[derive(Debug, Default)]
pub struct ToolResult<'a> {
    /// Its texts.
    pub texts: Vec<Text<'a>>,
    /// Its files.
    pub media: Vec<Part<'a>>,
    /// Whether the call failed.
    pub failed: bool,
}

impl<'a> From<Vec<Part<'a>>> for ToolResult<'a> {
    fn from(parts: Vec<Part<'a>>) -> Self {
        let mut result = Self::default();
        for part in parts {
            match part.data {
                Data::Text(text) => result.texts.push(text),
                _ => result.media.push(part),
            }
        }
        result
    }
}

/// The calls of one turn that wait for their results.
struct Step<'a> {
    calls: Vec<PendingCall<'a>>,
    /// User turns that came before all results were there. They move behind the results.
    later: Vec<Content<'a>>,
}

/// A call that waits for its result, or already has it.
pub struct PendingCall<'a> {
    /// The client's id for the call.
    pub id: Cow<'a, str>,
    /// Gemini's name for the function.
    pub name: Cow<'a, str>,
    result: Option<Vec<Part<'a>>>,
}

impl<'a> Conversation<'a> {
    /// Creates an empty conversation.
    pub fn new(target: &'a Target<'a>) -> Self {
        Self { target, history: History::default(), step: None }
    }

    /// Adds texts to the system instruction.
    pub fn system(&mut self, parts: impl IntoIterator<Item = Part<'a>>) {
        self.history.system.extend(parts);
    }

    /// Adds a user turn. While results are missing, the turn is held back so that it follows them.
    pub fn user(&mut self, parts: Vec<Part<'a>>) {
        let content = Content { role: Some(Role::User), parts };
        match &mut self.step {
            _ if content.parts.is_empty() => {}
            Some(step) => step.later.push(content),
            None => self.history.contents.push(content),
        }
    }

    /// Adds a model turn: its content, then its calls. The previous step must be closed.
    pub fn model(&mut self, parts: Vec<Part<'a>>, calls: Vec<PastCall<'a>>) {
        let mut content = Content { role: Some(Role::Model), parts };
        let mut waiting = Vec::new();
        for (number, call) in calls.into_iter().enumerate() {
            let signature = self.signature(&call, number == 0);
            let id = (!call.id.is_empty()).then(|| call.id.clone());
            let mut part =
                Part::from(Data::FunctionCall(FunctionCall { id, name: call.name.clone(), args: call.args }));
            part.thought_signature = signature;
            content.parts.push(part);
            waiting.push(PendingCall { id: call.id, name: call.name, result: None });
        }
        if !waiting.is_empty() {
            self.step = Some(Step { calls: waiting, later: Vec::new() });
        }
        if !content.parts.is_empty() {
            self.history.contents.push(content);
        }
    }

    /// Returns the signature of a call: the client's if it sent one, else the remembered one, else Google's placeholder
    /// for a lost signature. Gemini requires a signature only on the first call of a step.
    fn signature(&self, call: &PastCall<'a>, first: bool) -> Option<Cow<'a, str>> {
        let trusted = !self.target.remedies.placeholder_signatures;
        if let Some(signature) = call.signature.as_ref().filter(|_| trusted) {
            return Some(signature.clone());
        }
        if let Some(signature) = self.target.signatures.recall(&call.id).filter(|_| trusted && !call.id.is_empty()) {
            self.target.notes.adapted(&call.place, "the signature was found by the call's id");
            return Some(Cow::Owned(signature.to_string()));
        }
        let missed = first && self.target.model.facts.signatures;
        if missed && !call.id.is_empty() {
            let why = "no signature of this call is known: Google's placeholder is sent, and the model may think again";
            self.target.notes.emulated(&call.place, why);
        }
        missed.then(|| SIGNATURE_ESCAPE.into())
    }

    /// Adds the result of the call that `answers` matches; `place` is the result's location in the request. Returns
    /// false when no call matches.
    pub fn result(
        &mut self,
        answers: impl Fn(&PendingCall<'a>) -> bool,
        mut result: ToolResult<'a>,
        place: &dyn Display,
    ) -> bool {
        let calls = self.step.as_mut().map(|step| step.calls.as_mut_slice()).unwrap_or_default();
        // If an id occurs twice in a step, results are assigned in the order of the calls. If a result is repeated, the
        // last one counts.
        let open = calls.iter().position(|call| answers(call) && call.result.is_none());
        let found = open.or_else(|| calls.iter().rposition(&answers)).and_then(|at| calls.get_mut(at));
        let Some(call) = found else { return false };
        let response =
            if result.failed { tool_result::error(result.texts) } else { tool_result::response(result.texts) };
        let inside =
            if self.target.model.facts.media_in_results { std::mem::take(&mut result.media) } else { Vec::new() };
        if !result.media.is_empty() {
            self.target.notes.adapted(place, "this model accepts no files in results: they follow the results");
        }
        let id = (!call.id.is_empty()).then(|| call.id.clone());
        let data = Data::FunctionResponse(FunctionResponse { id, name: call.name.clone(), response, parts: inside });
        let mut parts = vec![Part::from(data)];
        parts.extend(result.media);
        call.result = Some(parts);
        true
    }

    /// Writes the results of the open step, in the order of its calls.
    ///
    /// # Errors
    /// Returns the ids of calls without a result.
    pub fn close_step(&mut self) -> Result<(), Vec<Cow<'a, str>>> {
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
            return Err(unanswered);
        }
        responses.extend(media);
        self.history.contents.push(Content { role: Some(Role::User), parts: responses });
        self.history.contents.extend(step.later);
        Ok(())
    }

    /// Repairs what Gemini does not accept: no turns at all, a model turn first, or a model turn last. `field` is the
    /// field that holds the conversation, and `last` the location of its last turn.
    pub fn finish(self, field: &str, last: &dyn Display) -> History<'a> {
        let mut history = self.history;
        let user = |words: &'a str| Content { role: Some(Role::User), parts: vec![Part::text(words)] };
        if history.contents.first().is_none_or(|first| first.role == Some(Role::Model)) {
            self.target.notes.adapted(field, "Gemini requires a user turn first: a blank one was inserted");
            history.contents.insert(0, user(" "));
        }
        let ends_with = history.contents.last().and_then(|last| last.role);
        if ends_with == Some(Role::Model) && !self.target.model.facts.prefill {
            let why = "this model cannot continue its own turn: a user turn `Continue.` was appended";
            self.target.notes.emulated(last, why);
            history.contents.push(user("Continue."));
        }
        history
    }
}

/// Returns a call's arguments as an object. They are part of the history, which the client cannot correct, so anything
/// other than an object is wrapped rather than rejected.
pub fn arguments<'a>(raw: Option<&'a serde_json::value::RawValue>) -> Json<'a> {
    let empty = || Json::from_value(&serde_json::json!({}));
    let Some(raw) = raw else { return empty() };
    let text = match Shape::of(raw) {
        Shape::Object => return Json::Raw(raw),
        Shape::String => crate::wire::json::decode(raw).unwrap_or_default(),
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
