//! `POST /v1/messages/count_tokens`: accepts a Messages request and returns its token count.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{blocks, fields, request};
use crate::call::Method;
use crate::error::Error;
use crate::fault::Fault;
use crate::protocol::rules::answer::broken;
use crate::protocol::{
    Accepted, AnswerContext, Anthropic, Family, Form, Incoming, Note, Protocol, RemoteFile, Reply, Target, Usage,
};

/// The token counting protocol.
pub struct AnthropicCount;

impl Protocol for AnthropicCount {
    fn name(&self) -> &'static str {
        "count_tokens"
    }

    fn family(&self) -> &'static dyn Family {
        &Anthropic
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        Ok(Box::new(CountRequest { parsed: request::parse(asked.body)?, body: asked.body }))
    }

    /// No model is called, so the count is 0.
    fn canned(&self, _: AnswerContext, _: Form, _: &str) -> Option<Bytes> {
        Some(counted(0).into())
    }
}

struct CountRequest<'a> {
    parsed: request::Parsed<'a>,
    body: &'a [u8],
}

impl Accepted for CountRequest<'_> {
    fn model(&self) -> &str {
        self.parsed.body.model.as_deref().unwrap_or_default()
    }

    fn method(&self) -> Method {
        Method::CountTokens
    }

    fn remote_files(&self) -> Vec<RemoteFile> {
        blocks::remote_files(self.parsed.body.messages.as_deref().unwrap_or_default())
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        let request = request::translate(&self.parsed, None, target)?.written()?;
        let model = json!(target.model.name.resource());
        let mut call = format!(r#"{{"generateContentRequest":{{"model":{model},"#).into_bytes();
        // The request's members follow the model. It is an object that is never empty, so dropping its brace is enough.
        call.extend_from_slice(request.strip_prefix(b"{").unwrap_or_default());
        call.push(b'}');
        Ok(call.into())
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(self.body, notes)
    }

    fn reply(&self, _: AnswerContext) -> Box<dyn Reply> {
        Box::new(Count)
    }
}

/// Translates the token count.
struct Count;

impl Reply for Count {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Counted {
            total_tokens: u64,
        }
        let Counted { total_tokens } =
            serde_json::from_slice(body).map_err(|_| broken("Gemini's count of tokens cannot be read."))?;
        Ok(counted(total_tokens))
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }
}

fn counted(tokens: u64) -> Vec<u8> {
    json!({ "input_tokens": tokens }).to_string().into()
}
