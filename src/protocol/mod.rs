//! The clients' dialects, each translated to Gemini and back. Reading a request also yields the translator of its
//! answer: what the answer must know of its request (names, ids, `include_usage`) travels in the [`Reply`].
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

/// A dialect that clients speak.
pub trait Protocol: Send + Sync {
    /// Its name in metrics and plugins.
    fn name(&self) -> &'static str;

    /// The vendor it belongs to.
    fn family(&self) -> &'static dyn Family;

    /// Parses a request.
    ///
    /// # Errors
    /// When the request is invalid; the error names the field.
    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error>;

    /// Returns the model that the path names; None when the body names it.
    fn model_in(&self, _place: &Place) -> Option<String> {
        None
    }

    /// Returns the same request with another model in its path. Dialects whose path names no model return it unchanged.
    ///
    /// # Errors
    /// When the request is invalid.
    fn renamed(&self, asked: Incoming<'_>, _model: &str) -> Result<(Place, Bytes), Error> {
        Ok((asked.place.clone(), Bytes::copy_from_slice(asked.body)))
    }

    /// Whether requests may arrive as forms. The server converts them to JSON.
    fn takes_forms(&self) -> bool {
        false
    }

    /// Returns an answer in this form that consists of a text no model generated: a plugin's reply. Returns None when a
    /// text cannot be an answer in this dialect.
    fn canned(&self, _stamp: AnswerContext, _form: Form, _text: &str) -> Option<Bytes> {
        None
    }

    /// Returns the only event of a stream that was started and then had no content.
    fn error_event(&self, error: &Error) -> Bytes {
        [b"data: ", &*self.family().error(error, ""), b"\n\n"].concat().into()
    }
}

/// A request that a client sent to an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Its path and metadata; in some dialects the path names the model or the method.
    pub place: &'a Place,
    /// The body.
    pub body: &'a [u8],
}

/// Where a request is sent, and in what form.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The path, as sent.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// The media type of the body; empty when not specified.
    pub media_type: String,
    /// The client's id of the conversation the request belongs to; empty when not specified.
    pub conversation: String,
}

/// A body alone, for dialects whose path carries no information.
impl<'a> From<&'a [u8]> for Incoming<'a> {
    fn from(body: &'a [u8]) -> Self {
        static NOWHERE: Place =
            Place { path: String::new(), query: String::new(), media_type: String::new(), conversation: String::new() };
        Self { place: &NOWHERE, body }
    }
}

/// A parsed request that is not yet bound to a model.
pub trait Accepted: Send + Sync {
    /// The model the client requested.
    fn model(&self) -> &str;

    /// The method to call.
    fn method(&self) -> Method;

    /// The method to call on this model, in dialects where it depends on the model.
    fn method_of(&self, _model: &Model) -> Method {
        self.method()
    }

    /// The form in which the answer is sent to the client.
    fn form(&self) -> Form {
        if self.method().streams() { Form::EVENTS } else { Form::JSON }
    }

    /// Returns the files it references by URL that are not stored at Google.
    fn remote_files(&self) -> Vec<RemoteFile> {
        Vec::new()
    }

    /// Splits the request if Google only accepts it in several calls; otherwise returns nothing.
    fn split(&self) -> Vec<Box<dyn Accepted + '_>> {
        Vec::new()
    }

    /// Merges the answers to all shares of a split request, in order, into one. The default merges lists.
    ///
    /// # Errors
    /// When one of the answers is malformed.
    fn merged(&self, answers: &[Bytes]) -> Result<Bytes, Fault> {
        rules::lists::merged(answers)
    }

    /// Returns the ids of calls in earlier answers whose signatures the client did not send back.
    fn unsigned_calls(&self) -> Vec<Cow<'_, str>> {
        Vec::new()
    }

    /// Returns the id of the earlier answer it continues from.
    fn earlier(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Translates the request to a Gemini request for this target.
    ///
    /// # Errors
    /// When the target does not support what is requested; the error names the field.
    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error>;

    /// Returns the verdict on each field, given the notes that were taken during translation.
    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note>;

    /// Creates the translator for the answer of one attempt.
    fn reply(&self, stamp: AnswerContext) -> Box<dyn Reply>;
}

/// The form in which an answer is sent to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Whether it is streamed.
    pub stream: bool,
    /// Its media type.
    pub media_type: &'static str,
    /// What a stream sends while it has nothing else to send; empty when it must stay silent.
    pub keep_alive: &'static [u8],
}

impl Form {
    /// A complete JSON document.
    pub const JSON: Self = Self { stream: false, media_type: "application/json", keep_alive: b"" };
    /// Server-sent events. The keep-alive is a comment, which every SSE parser ignores.
    pub const EVENTS: Self =
        Self { stream: true, media_type: "text/event-stream; charset=utf-8", keep_alive: b": keep-alive\n\n" };

    /// Whether it is a JSON document, which plugins can read.
    pub fn is_json(self) -> bool {
        self.media_type == Self::JSON.media_type
    }
}

/// The model a request is translated for, and the context of the translation.
pub struct Target<'t> {
    /// The model to call.
    pub model: &'t Model,
    /// Signatures from earlier answers.
    pub signatures: &'t Signatures,
    /// Files that the request references by URL.
    pub files: &'t Files,
    /// The document left by the earlier answer that the request continues from; None when it is not known.
    pub earlier: Option<&'t [u8]>,
    /// Adjustments for what Google has rejected so far.
    pub remedies: Remedies,
    /// Collects notes about what becomes of the request's fields.
    pub notes: &'t Notes,
}

/// A file that a request references by URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// The request field that references the file, such as `messages[0].content[1].image_url.url`.
    pub param: String,
    /// The file's URL.
    pub url: String,
}

/// The files that a request references by URL.
#[derive(Debug, Default)]
pub enum Files {
    /// Files are not fetched here.
    #[default]
    Refused,
    /// Files would be fetched; each is represented by a placeholder that says so.
    Described,
    /// Fetched files by URL: media type and base64.
    Fetched(HashMap<String, (String, String)>),
}

/// The data of an answer that comes neither from the request's body nor from Gemini.
#[derive(Clone, Debug)]
pub struct AnswerContext {
    /// The request's id, from which the answer's id is derived.
    pub id: String,
    /// Unix time in seconds.
    pub created: i64,
    /// The model's name as the client wrote it.
    pub model: String,
    /// The seed for the ids of tool calls.
    pub seed: u64,
    /// The store of signatures.
    pub signatures: Signatures,
    /// The document left by the earlier answer that the request continues from.
    pub earlier: Option<Bytes>,
    /// Whether to check the answer against the client's schema, if it sent one.
    pub check_json: bool,
}

/// Translates the answer of one attempt, whole or event by event. Answers that are never streamed need only
/// [`whole`](Self::whole) and [`usage`](Self::usage).
pub trait Reply: Send {
    /// Translates a whole answer.
    ///
    /// # Errors
    /// When Gemini's answer is broken or empty: a fault that may be retried.
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault>;

    /// Translates one event of a stream and appends the result for the client to `out`.
    ///
    /// # Errors
    /// When the event is broken.
    fn event(&mut self, _event: &[u8], _out: &mut Vec<u8>) -> Result<(), Fault> {
        Err(Fault::new(Kind::BrokenAnswer, Blame::Internal, "Gemini sent a stream instead of a whole answer."))
    }

    /// Whether any content has been appended so far. From then on the client would notice another attempt.
    fn committed(&self) -> bool {
        false
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When it ended too early or without content.
    fn end(&mut self, _out: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }

    /// Ends a stream that failed after it began. If nothing is appended, the connection is broken off.
    fn fail(&mut self, _error: &Error, _out: &mut Vec<u8>) {}

    /// Returns the token counts so far.
    fn usage(&self) -> Usage;

    /// Returns what a complete answer leaves for a later request of the same client. Returns it only once.
    fn left(&mut self) -> Option<Continuation> {
        None
    }
}

/// What an answer leaves for a later request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// The answer's id.
    pub id: String,
    /// The data the dialect needs to continue from it.
    pub document: Bytes,
}

/// Token counts of one answer, in OpenAI's way of counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens, including those that built-in tools added.
    pub prompt: u64,
    /// Answer tokens, including thoughts.
    pub completion: u64,
    /// Prompt tokens that came from a cache.
    pub cached: u64,
    /// Answer tokens that were thoughts.
    pub reasoning: u64,
    /// Prompt tokens that were audio.
    pub audio_in: u64,
    /// Answer tokens that were audio.
    pub audio_out: u64,
}
