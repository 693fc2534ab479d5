//! Anthropic's Messages API and its token counting.
//!
//! Requests: [`request`] assembles the Gemini request from [`messages`], [`blocks`], [`tools`] and the stored
//! [`thread`]. Answers: [`answer`] cuts Gemini's parts into content blocks, and writes them as [`events`] or as one
//! message.

mod answer;
mod blocks;
mod count;
mod events;
pub mod fields;
mod messages;
mod request;
mod search;
mod terms;
mod thread;
mod tools;

use std::borrow::Cow;

use bytes::Bytes;

use super::rules::answer::canned;
use super::{Accepted, AnswerContext, Family, Form, Incoming, Note, Protocol, RemoteFile, Reply, Target};
use crate::call::Method;
use crate::error::Error;
use crate::wire::anthropic::messages::Request;
pub use count::AnthropicCount;

/// The Messages protocol, `POST /v1/messages`.
pub struct AnthropicMessages;

/// Server-sent events with Anthropic's own keep-alive event.
const EVENTS: Form = Form { keep_alive: b"event: ping\ndata: {\"type\": \"ping\"}\n\n", ..Form::EVENTS };

impl Protocol for AnthropicMessages {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn family(&self) -> &'static dyn Family {
        &super::Anthropic
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        let parsed = request::parse(asked.body)?;
        request::demand_max_tokens(&parsed.body)?;
        Ok(Box::new(MessagesRequest { parsed, body: asked.body }))
    }

    fn canned(&self, stamp: AnswerContext, form: Form, text: &str) -> Option<Bytes> {
        Some(canned(answer::MessagesReply::new(stamp, terms::Terms::default()), form.stream, text))
    }

    fn error_event(&self, error: &Error) -> Bytes {
        let mut out = Vec::new();
        events::error(error, &mut out);
        out.into()
    }
}

/// A parsed request.
struct MessagesRequest<'a> {
    parsed: request::Parsed<'a>,
    body: &'a [u8],
}

impl<'a> MessagesRequest<'a> {
    fn request(&self) -> &Request<'a> {
        &self.parsed.body
    }
}

impl Accepted for MessagesRequest<'_> {
    fn model(&self) -> &str {
        self.request().model.as_deref().unwrap_or_default()
    }

    fn method(&self) -> Method {
        if self.request().stream.unwrap_or(false) { Method::Stream } else { Method::Generate }
    }

    fn form(&self) -> Form {
        if self.method().streams() { EVENTS } else { Form::JSON }
    }

    fn unsigned_calls(&self) -> Vec<Cow<'_, str>> {
        messages::unsigned_calls(self.request().messages.as_deref().unwrap_or_default())
    }

    fn remote_files(&self) -> Vec<RemoteFile> {
        blocks::remote_files(self.request().messages.as_deref().unwrap_or_default())
    }

    fn earlier(&self) -> Option<Cow<'_, str>> {
        thread::earlier(self.request()).map(Cow::Borrowed)
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        let held = thread::held(self.request(), target.earlier)?;
        request::translate(&self.parsed, held.as_ref(), target)?.written()
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(self.body, notes)
    }

    fn reply(&self, stamp: AnswerContext) -> Box<dyn Reply> {
        let terms = terms::Terms::of(&self.parsed, self.body, &stamp);
        Box::new(answer::MessagesReply::new(stamp, terms))
    }
}
