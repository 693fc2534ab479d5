//! OpenAI's older Completions API, which continues a text. [`request`] translates requests, [`answer`] translates
//! answers.

mod answer;
pub mod fields;
mod request;

use bytes::Bytes;

use super::rules::answer::canned;
use super::{Accepted, AnswerContext, Family, Form, Incoming, Note, OpenAi, Protocol, Reply, Target};
use crate::call::Method;
use crate::error::Error;
use crate::wire::openai::completions::Request;

/// The completions protocol.
pub struct OpenAiCompletions;

impl Protocol for OpenAiCompletions {
    fn name(&self) -> &'static str {
        "completions"
    }

    fn family(&self) -> &'static dyn Family {
        &OpenAi
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        let request = request::parse(asked.body)?;
        Ok(Box::new(CompletionsRequest { request, body: asked.body }))
    }

    fn canned(&self, stamp: AnswerContext, form: Form, text: &str) -> Option<Bytes> {
        Some(canned(answer::CompletionsReply::new(stamp, answer::Terms::default()), form.stream, text))
    }
}

/// A parsed request.
struct CompletionsRequest<'a> {
    request: Request<'a>,
    body: &'a [u8],
}

impl Accepted for CompletionsRequest<'_> {
    fn model(&self) -> &str {
        self.request.model.as_deref().unwrap_or_default()
    }

    fn method(&self) -> Method {
        if self.request.stream.unwrap_or(false) { Method::Stream } else { Method::Generate }
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        request::translate(&self.request, target)
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(self.body, notes)
    }

    fn reply(&self, stamp: AnswerContext) -> Box<dyn Reply> {
        Box::new(answer::CompletionsReply::new(stamp, answer::Terms::of(&self.request)))
    }
}
