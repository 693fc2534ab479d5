//! Gemini's own API. It is the hub format itself, so bodies pass through as they are, in both directions.
//!
//! [`address`] parses the path, [`rename`] inserts another model's name when an alias or a fallback requires it,
//! [`answer`] passes answers on.

mod address;
mod answer;
mod rename;

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::rules::document;
use super::{Accepted, AnswerContext, Family, Form, Google, Incoming, Note, Place, Protocol, Reply, Target};
use crate::call::Method;
use crate::error::Error;

use address::Address;
pub use rename::for_model;

/// The native protocol.
pub struct Gemini;

/// Server-sent events as Google sends them. The keep-alive is an empty line: Google's own SDK for Python mistakes a
/// comment for an answer that is not JSON (google-genai 3.4.0).
const EVENTS: Form = Form { stream: true, media_type: "text/event-stream", keep_alive: b"\r\n" };
/// A JSON array that grows with each event.
const ARRAY: Form = Form { stream: true, ..Form::JSON };

impl Protocol for Gemini {
    fn name(&self) -> &'static str {
        "native"
    }

    fn family(&self) -> &'static dyn Family {
        &Google
    }

    fn model_in(&self, place: &Place) -> Option<String> {
        address::read(&place.path, &place.query).ok().map(|address| address.model.into_owned())
    }

    fn renamed(&self, asked: Incoming<'_>, model: &str) -> Result<(Place, Bytes), Error> {
        let method = address::read(&asked.place.path, &asked.place.query)?.method;
        let path = format!("/v1beta/models/{model}:{}", method.name());
        Ok((Place { path, ..asked.place.clone() }, rename::named(asked.body, model)?))
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        let address = address::read(&asked.place.path, &asked.place.query)?;
        document::is_object(asked.body)?;
        Ok(Box::new(Native { address, body: asked.body }))
    }

    fn canned(&self, stamp: AnswerContext, form: Form, text: &str) -> Option<Bytes> {
        Some(answer::canned(&stamp, form, text))
    }
}

/// A parsed request.
struct Native<'a> {
    address: Address<'a>,
    body: &'a [u8],
}

impl Accepted for Native<'_> {
    fn model(&self) -> &str {
        &self.address.model
    }

    fn method(&self) -> Method {
        self.address.method
    }

    fn form(&self) -> Form {
        match (self.address.method, self.address.events) {
            (Method::Stream, true) => EVENTS,
            (Method::Stream, false) => ARRAY,
            _ => Form::JSON,
        }
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        rename::for_model(self.body, &self.address.model, &target.model.name)
    }

    /// Every field is passed on as it is, so only the notes are returned.
    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        notes
    }

    fn reply(&self, _: AnswerContext) -> Box<dyn Reply> {
        Box::new(answer::NativeReply::new(self.form()))
    }
}

/// Parses the pairs of a query.
///
/// # Errors
/// 400 when the query contains a key.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Error> {
    address::refuse_key(query)?;
    Ok(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// Returns the model that a document names, without `models/`.
///
/// # Errors
/// 400 when it names no model.
pub fn model_of(body: &[u8]) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct OfModel<'a> {
        #[serde(borrow)]
        model: Option<Cow<'a, str>>,
    }

    let named: OfModel<'_> = document::read(body)?;
    let model = document::model(named.model)?;
    Ok(model.strip_prefix("models/").unwrap_or(&model).to_owned())
}

/// Returns the name of the resource in Google's answer: the answer's own name, or that of one of its members.
pub fn name_in(answer: &[u8], member: Option<&str>) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let thing = member.map_or(Some(&answer), |member| answer.get(member))?;
    thing["name"].as_str().map(str::to_owned)
}
