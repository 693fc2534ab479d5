//! OpenAI's Chat Completions API.
//!
//! Requests: [`request`] assembles the Gemini request from [`messages`], [`parts`], [`tools`] and [`generation`].
//! Answers: [`answer`] reads Gemini's parts for both forms; [`whole`] and [`stream`] write them.

mod answer;
pub mod fields;
pub(super) mod generation;
mod messages;
mod parts;
mod request;
mod stream;
mod tools;
mod whole;

use std::borrow::Cow;

use bytes::Bytes;

use super::rules::answer::canned;
use super::rules::events;
use super::{Accepted, AnswerContext, Family, Form, Incoming, Note, OpenAi, Protocol, RemoteFile, Reply, Target};
use crate::call::Method;
use crate::error::Error;
use crate::fault::Fault;
use crate::wire::openai::chat;

/// The chat protocol.
pub struct OpenAiChat;

impl Protocol for OpenAiChat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn family(&self) -> &'static dyn Family {
        &OpenAi
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        let body = asked.body;
        request::parse(body).map(|parsed| Box::new(ChatRequest { parsed, body }) as Box<dyn Accepted + 'a>)
    }

    fn canned(&self, stamp: AnswerContext, form: Form, text: &str) -> Option<Bytes> {
        Some(canned(answer::ChatReply::new(stamp, answer::Terms::default()), form.stream, text))
    }
}

/// A parsed chat request.
struct ChatRequest<'a> {
    parsed: request::Parsed<'a>,
    body: &'a [u8],
}

impl<'a> ChatRequest<'a> {
    fn request(&self) -> &chat::Request<'a> {
        &self.parsed.body
    }
}

impl Accepted for ChatRequest<'_> {
    fn model(&self) -> &str {
        self.request().model.as_deref().unwrap_or_default()
    }

    fn method(&self) -> Method {
        if self.request().stream.unwrap_or(false) { Method::Stream } else { Method::Generate }
    }

    fn unsigned_calls(&self) -> Vec<Cow<'_, str>> {
        messages::unsigned_calls(self.request().messages.as_deref().unwrap_or_default())
    }

    fn remote_files(&self) -> Vec<RemoteFile> {
        parts::remote_files(self.request().messages.as_deref().unwrap_or_default())
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        request::translate(&self.parsed, target)
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        // The body was parsed earlier, so it is valid JSON.
        fields::verdicts(&serde_json::from_slice(self.body).unwrap_or_default(), notes)
    }

    fn reply(&self, stamp: AnswerContext) -> Box<dyn Reply> {
        let terms = answer::Terms::of(&self.parsed, stamp.check_json);
        Box::new(answer::ChatReply::new(stamp, terms))
    }
}

impl Reply for answer::ChatReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        whole::write(self, body)
    }

    fn event(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        stream::event(self, event, out)
    }

    fn committed(&self) -> bool {
        self.committed
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        stream::end(self, out)
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        events::push_error(out, error);
    }

    fn usage(&self) -> super::Usage {
        self.reader.usage.read().clone()
    }
}
