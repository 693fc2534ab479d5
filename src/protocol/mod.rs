//! Clients' dialects, each to Gemini and back. The way in returns the way back: what a reply needs to know of its request
//! (names, ids, `include_usage`) travels in the [`Reply`].
//! Never: async, a key, a URL, a clock.

pub mod anthropic;
mod catalog;
mod family;
mod fields;
pub mod gemini;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_embeddings;
pub mod openai_images;
pub mod openai_responses;
pub mod openai_speech;
pub mod openai_transcriptions;
mod rules;
pub mod tables;
mod verdict;

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;

use crate::call::Method;
use crate::error::Error;
use crate::fault::{Blame, Fault, Kind, Remedies};
use crate::model::Model;
use crate::store::Signatures;

pub use catalog::Card;
pub use family::{Anthropic, Family, Google, OpenAi};
pub use rules::owned;
pub use verdict::{Note, Notes, Verdict};

/// A dialect.
pub trait Protocol: Send + Sync {
    /// Its name, for metrics and plugins.
    fn name(&self) -> &'static str;

    /// Whose it is.
    fn family(&self) -> &'static dyn Family;

    /// Reads a request.
    ///
    /// # Errors
    /// When it is not one: an error that names the field.
    fn accept<'a>(&self, asked: Asked<'a>) -> Result<Box<dyn Accepted + 'a>, Error>;

    /// The model that the address names; None where the body does.
    fn model_in(&self, _place: &Place) -> Option<String> {
        None
    }

    /// The same request, with another model in its address.
    ///
    /// # Errors
    /// When it is not a request.
    fn renamed(&self, asked: Asked<'_>, _model: &str) -> Result<(Place, Bytes), Error> {
        Ok((asked.place.clone(), Bytes::copy_from_slice(asked.body)))
    }

    /// Whether its requests may come as forms. The door makes JSON of them.
    fn takes_forms(&self) -> bool {
        false
    }

    /// An answer of one text that no model gave, in this form: what a plugin replies with. None where a text is no answer.
    fn canned(&self, _stamp: Stamp, _form: Form, _text: &str) -> Option<Bytes> {
        None
    }

    /// The only event of a stream that was begun, and then had nothing to show.
    fn error_event(&self, error: &Error) -> Bytes {
        [b"data: ", &*self.family().error(error, ""), b"\n\n"].concat().into()
    }
}

/// What a client sends to an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Where to: a dialect may name the model, or what is to be done, in its path.
    pub place: &'a Place,
    /// The body.
    pub body: &'a [u8],
}

/// Where a request goes, and in what form.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The path, as it was sent.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// The media type of the body; empty when it is not told.
    pub media_type: String,
    /// What the client calls the conversation that it is of; empty when it is not told.
    pub conversation: String,
}

/// A body alone, for dialects that say everything in it.
impl<'a> From<&'a [u8]> for Asked<'a> {
    fn from(body: &'a [u8]) -> Self {
        static NOWHERE: Place =
            Place { path: String::new(), query: String::new(), media_type: String::new(), conversation: String::new() };
        Self { place: &NOWHERE, body }
    }
}

/// A request that was read, not yet bound to a model.
pub trait Accepted: Send + Sync {
    /// The model the client asked for.
    fn model(&self) -> &str;

    /// What it asks of a model.
    fn method(&self) -> Method;

    /// What it asks of this model, where not all are asked in the same way.
    fn method_of(&self, _model: &Model) -> Method {
        self.method()
    }

    /// How the answer travels to the client.
    fn form(&self) -> Form {
        if self.method().streams() { Form::EVENTS } else { Form::JSON }
    }

    /// Files it names by URL that are not Google's.
    fn remote_files(&self) -> Vec<RemoteFile> {
        Vec::new()
    }

    /// Requests that together are this one, where Google takes it only in several calls; else none.
    fn split(&self) -> Vec<Box<dyn Accepted + '_>> {
        Vec::new()
    }

    /// One answer, out of the answers to all shares in their order: lists, of which one is made.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    fn merged(&self, answers: &[Bytes]) -> Result<Bytes, Fault> {
        rules::lists::merged(answers)
    }

    /// Calls of earlier answers whose signatures the client did not send back.
    fn unsigned_calls(&self) -> Vec<Cow<'_, str>> {
        Vec::new()
    }

    /// The id of an earlier answer that it goes on from.
    fn earlier(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// The Gemini request for this target.
    ///
    /// # Errors
    /// When the target cannot do what is asked: an error that names the field.
    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error>;

    /// What becomes of each of its fields, after these notes were taken when it was translated.
    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note>;

    /// What will translate one attempt's answer.
    fn reply(&self, stamp: Stamp) -> Box<dyn Reply>;
}

/// How an answer travels to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Whether it comes in pieces.
    pub stream: bool,
    /// Its media type.
    pub media_type: &'static str,
    /// What a stream says while it has nothing to say; empty when it must not say anything then.
    pub keep_alive: &'static [u8],
}

impl Form {
    /// A whole JSON document.
    pub const JSON: Self = Self { stream: false, media_type: "application/json", keep_alive: b"" };
    /// Server-sent events. Every reader of them passes a comment over.
    pub const EVENTS: Self =
        Self { stream: true, media_type: "text/event-stream; charset=utf-8", keep_alive: b": keep-alive\n\n" };

    /// Whether it is a JSON document: what a plugin can read.
    pub fn is_json(self) -> bool {
        self.media_type == Self::JSON.media_type
    }
}

/// What a request is translated for, and with.
pub struct Target<'t> {
    /// The model.
    pub model: &'t Model,
    /// Signatures of earlier answers.
    pub signatures: &'t Signatures,
    /// Files that the request names by URL.
    pub files: &'t Files,
    /// What the earlier answer left that the request goes on from; None when it is not known.
    pub earlier: Option<&'t [u8]>,
    /// What Google has refused so far.
    pub remedies: Remedies,
    /// Where what happens to the request is taken down.
    pub notes: &'t Notes,
}

/// A file that a request names by URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Where the request names it: `messages[0].content[1].image_url.url`.
    pub param: String,
    /// Its URL.
    pub url: String,
}

/// Files that a request names by URL.
#[derive(Debug, Default)]
pub enum Files {
    /// They are not fetched here.
    #[default]
    Refused,
    /// They would be fetched; something that says so stands in for each.
    Described,
    /// By URL: media type and base64.
    Fetched(HashMap<String, (String, String)>),
}

/// What an answer bears that is neither the request's nor Gemini's.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The request's id, from which the answer's is made.
    pub id: String,
    /// Unix time in seconds.
    pub created: i64,
    /// The model's name as the client wrote it.
    pub model: String,
    /// Seeds the ids of tool calls.
    pub seed: u64,
    /// Where signatures are kept.
    pub signatures: Signatures,
    /// What the earlier answer left that the request goes on from.
    pub earlier: Option<Bytes>,
    /// Whether the answer is checked against the client's own schema, where it sent one.
    pub check_json: bool,
}

/// Translates the answer of one attempt, whole or event by event. What only ever comes whole needs nothing that is about events.
pub trait Reply: Send {
    /// A whole answer.
    ///
    /// # Errors
    /// When Gemini's answer is broken or empty: a fault that may be tried again.
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault>;

    /// One event of a stream; what the client gets for it is appended to `out`.
    ///
    /// # Errors
    /// When the event is broken.
    fn event(&mut self, _event: &[u8], _out: &mut Vec<u8>) -> Result<(), Fault> {
        Err(Fault::new(Kind::BrokenAnswer, Blame::Ours, "An answer came in pieces that should have come whole."))
    }

    /// Whether any content is in what was appended so far. From then on another attempt would show.
    fn committed(&self) -> bool {
        false
    }

    /// The end of a stream.
    ///
    /// # Errors
    /// When it ended too early, or with nothing to show.
    fn end(&mut self, _out: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }

    /// The end of a stream that failed after it began. Where nothing is appended, the connection breaks.
    fn fail(&mut self, _error: &Error, _out: &mut Vec<u8>) {}

    /// Tokens so far.
    fn usage(&self) -> Usage;

    /// What an answer that is all there leaves for a later request of the same client; once.
    fn left(&mut self) -> Option<Left> {
        None
    }
}

/// What an answer leaves for a later request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The answer's id.
    pub id: String,
    /// What the dialect needs to go on from it.
    pub document: Bytes,
}

/// Tokens of one answer, in OpenAI's way of counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt, what built-in tools brought in among them.
    pub prompt: u64,
    /// Of the answer, thoughts among them.
    pub completion: u64,
    /// Of the prompt, from a cache.
    pub cached: u64,
    /// Of the answer, thoughts.
    pub reasoning: u64,
    /// Of the prompt, sound.
    pub audio_in: u64,
    /// Of the answer, sound.
    pub audio_out: u64,
}
