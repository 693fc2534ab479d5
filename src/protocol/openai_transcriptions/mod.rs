//! OpenAI's transcriptions and translations APIs: speech written down.
//!
//! [`request`] builds the call; [`captions`] writes the formats with times, which the model itself estimates;
//! [`answer`] writes the text.

mod answer;
mod captions;
mod request;

use bytes::Bytes;

use super::fields::{self, Field, adapted, ignored, renamed};
use super::{Accepted, AnswerContext, Family, Form, Incoming, Note, OpenAi, Protocol, Reply, Target};
use crate::call::Method;
use crate::error::Error;

use request::{Format, Parsed};

/// The transcription and translation protocols.
pub enum OpenAiTranscriptions {
    /// Text in the spoken language.
    Transcriptions,
    /// Text in English.
    Translations,
}

impl Protocol for OpenAiTranscriptions {
    fn name(&self) -> &'static str {
        match self {
            Self::Transcriptions => "transcriptions",
            Self::Translations => "translations",
        }
    }

    fn family(&self) -> &'static dyn Family {
        &OpenAi
    }

    fn takes_forms(&self) -> bool {
        true
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        Ok(Box::new(Heard(request::read(asked.body, matches!(self, Self::Translations))?)))
    }

    fn canned(&self, _: AnswerContext, form: Form, text: &str) -> Option<Bytes> {
        Some(answer::canned(form, text))
    }
}

/// The verdict on every field (OpenAI's API reference, November 2026).
pub(super) const FIELDS: &[Field] = &[
    renamed("model", "", "after resolving aliases; in the URL"),
    renamed("file", "contents[].parts[].inlineData", ""),
    adapted("language", "contents[].parts[].text", "stated in the prompt"),
    adapted("prompt", "contents[].parts[].text", "as a list of words that may occur"),
    renamed("response_format", "generationConfig", "formats with timestamps are requested as JSON"),
    renamed("temperature", "generationConfig.temperature", ""),
    renamed("timestamp_granularities[]", "", "`segment`; word timestamps are rejected"),
    renamed("stream", "", "the method of the URL"),
    ignored("include[]", "Gemini returns no probabilities for transcriptions"),
    ignored("chunking_strategy", "the audio is sent in one piece"),
];

/// A parsed request.
struct Heard<'a>(Parsed<'a>);

impl Accepted for Heard<'_> {
    fn model(&self) -> &str {
        &self.0.model
    }

    fn method(&self) -> Method {
        if self.0.stream { Method::Stream } else { Method::Generate }
    }

    fn form(&self) -> Form {
        match self.0.format {
            _ if self.0.stream => Form::EVENTS,
            Format::Json | Format::Verbose => Form::JSON,
            Format::Vtt => Form { media_type: "text/vtt; charset=utf-8", ..Form::JSON },
            Format::Text | Format::Srt => Form { media_type: "text/plain; charset=utf-8", ..Form::JSON },
        }
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        request::translate(&self.0, target)
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(FIELDS, &request::without_sound(self.0.body), notes)
    }

    fn reply(&self, _: AnswerContext) -> Box<dyn Reply> {
        Box::new(answer::TranscriptionReply::new(self.0.format, self.0.english))
    }
}
