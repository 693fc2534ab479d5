//! OpenAI's Responses API.
//!
//! Requests: [`request`] assembles the Gemini request from [`input`], [`parts`], [`tools`] and what an earlier answer
//! has left ([`kept`]). Answers: [`answer`] cuts Gemini's parts into [`item`]s, and writes them as [`events`] or as one
//! [`document`].

mod answer;
mod document;
mod events;
pub mod fields;
mod input;
mod item;
mod kept;
mod namespaces;
mod parts;
mod request;
mod terms;
mod tools;

use std::borrow::Cow;

use bytes::Bytes;

use super::rules::answer::canned;
use super::{Accepted, AnswerContext, Family, Form, Incoming, Note, OpenAi, Protocol, RemoteFile, Reply, Target};
use crate::call::Method;
use crate::error::Error;
use crate::wire::openai::responses::Request;

/// The Responses protocol.
pub struct OpenAiResponses;

impl Protocol for OpenAiResponses {
    fn name(&self) -> &'static str {
        "responses"
    }

    fn family(&self) -> &'static dyn Family {
        &OpenAi
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        let request = request::parse(asked.body)?;
        Ok(Box::new(ResponsesRequest { request, body: asked.body }))
    }

    fn canned(&self, stamp: AnswerContext, form: Form, text: &str) -> Option<Bytes> {
        Some(canned(answer::ResponsesReply::new(stamp, terms::Terms::default()), form.stream, text))
    }

    fn error_event(&self, error: &Error) -> Bytes {
        events::error(error).into()
    }
}

/// A parsed request.
struct ResponsesRequest<'a> {
    request: Request<'a>,
    body: &'a [u8],
}

impl Accepted for ResponsesRequest<'_> {
    fn model(&self) -> &str {
        self.request.model.as_deref().unwrap_or_default()
    }

    fn method(&self) -> Method {
        if self.request.stream.unwrap_or(false) { Method::Stream } else { Method::Generate }
    }

    fn unsigned_calls(&self) -> Vec<Cow<'_, str>> {
        input::unsigned_calls(self.request.input)
    }

    fn remote_files(&self) -> Vec<RemoteFile> {
        parts::remote_files(self.request.input)
    }

    fn earlier(&self) -> Option<Cow<'_, str>> {
        match &self.request.previous_response_id {
            Some(id) => Some(Cow::Borrowed(id)),
            None => kept::referred_to(self.request.input).map(Cow::Owned),
        }
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        request::translate(&self.request, target)
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(self.body, notes)
    }

    fn reply(&self, stamp: AnswerContext) -> Box<dyn Reply> {
        let terms = terms::Terms::of(&self.request, self.body, &stamp);
        Box::new(answer::ResponsesReply::new(stamp, terms))
    }
}
