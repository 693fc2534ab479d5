//! OpenAI's Embeddings API.
//!
//! Gemini accepts 100 texts per call; a request with more is split into several calls.

mod answer;
mod request;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::fields::{self, Field, ignored, kept, renamed};
use super::{Accepted, AnswerContext, Family, Incoming, Note, OpenAi, Protocol, Reply, Target};
use crate::call::Method;
use crate::error::Error;

/// The embeddings protocol.
pub struct OpenAiEmbeddings;

impl Protocol for OpenAiEmbeddings {
    fn name(&self) -> &'static str {
        "embeddings"
    }

    fn family(&self) -> &'static dyn Family {
        &OpenAi
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        let read = Arc::new(request::read(asked.body)?);
        let texts = 0..read.texts.len();
        Ok(Box::new(Texts { read, texts }))
    }
}

/// The verdict on every field (OpenAI's API reference, November 2026).
pub(super) const FIELDS: &[Field] = &[
    renamed("model", "model", "after resolving aliases; also in the URL"),
    renamed("input", "requests[].content", "one request per text"),
    renamed("encoding_format", "", "determines the format of the answer"),
    renamed("dimensions", "requests[].outputDimensionality", "shortened vectors are normalized again"),
    kept("task_type", "requests[].taskType"),
    ignored("user", "it concerns OpenAI's abuse monitoring"),
];

/// A parsed request, or the share of it that one call handles.
struct Texts<'a> {
    read: Arc<request::Parsed<'a>>,
    texts: Range<usize>,
}

impl Accepted for Texts<'_> {
    fn model(&self) -> &str {
        &self.read.model
    }

    fn method(&self) -> Method {
        Method::EmbedBatch
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        request::translate(&self.read, self.texts.clone(), target)
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(FIELDS, &serde_json::from_slice(self.read.body).unwrap_or_default(), notes)
    }

    fn reply(&self, stamp: AnswerContext) -> Box<dyn Reply> {
        Box::new(answer::EmbeddingsReply::new(&self.read, self.texts.clone(), stamp))
    }

    fn split(&self) -> Vec<Box<dyn Accepted + '_>> {
        let share = |start| {
            let texts = start..self.texts.end.min(start + request::LARGEST_BATCH);
            Box::new(Texts { read: self.read.clone(), texts }) as Box<dyn Accepted + '_>
        };
        match self.texts.len() > request::LARGEST_BATCH {
            true => self.texts.clone().step_by(request::LARGEST_BATCH).map(share).collect(),
            false => Vec::new(),
        }
    }
}
