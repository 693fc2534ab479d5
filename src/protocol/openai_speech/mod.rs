//! OpenAI's speech API: text read aloud.
//!
//! [`request`] builds the call; [`wav`] implements the only file format that needs no encoder; [`answer`] writes the
//! audio, whole, as it arrives, or as events.

mod answer;
mod request;
mod wav;

use bytes::Bytes;

use super::fields::{self, Field, lost, renamed};
use super::{Accepted, AnswerContext, Family, Form, Incoming, Note, OpenAi, Protocol, Reply, Target};
use crate::call::Method;
use crate::error::Error;

use request::{Format, Parsed};

/// The speech protocol.
pub struct OpenAiSpeech;

impl Protocol for OpenAiSpeech {
    fn name(&self) -> &'static str {
        "speech"
    }

    fn family(&self) -> &'static dyn Family {
        &OpenAi
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        Ok(Box::new(Spoken(request::read(asked.body)?)))
    }
}

/// The verdict on every field (OpenAI's API reference, November 2026).
pub(super) const FIELDS: &[Field] = &[
    renamed("model", "", "after resolving aliases; in the URL"),
    renamed("input", "contents[].parts[].text", ""),
    renamed("voice", "generationConfig.speechConfig", "OpenAI's voices are mapped to Google's nearest ones"),
    renamed("voice.id", "generationConfig.speechConfig", "the name of one of Google's voices"),
    renamed("instructions", "contents[].parts[].text", "put in front of the text"),
    renamed("response_format", "", "`wav` and `pcm` are produced here; the default is WAV"),
    renamed("stream_format", "", "determines how the answer is sent"),
    lost("speed", "put it into the instructions", &["1", "1.0"]),
];

/// A parsed request.
struct Spoken<'a>(Parsed<'a>);

impl Accepted for Spoken<'_> {
    fn model(&self) -> &str {
        &self.0.model
    }

    fn method(&self) -> Method {
        // A WAV file begins with its length, so it is not streamed.
        if self.0.events || self.0.format == Format::Pcm { Method::Stream } else { Method::Generate }
    }

    fn form(&self) -> Form {
        match (self.0.events, self.0.format) {
            (true, _) => Form::EVENTS,
            // A raw audio stream has no room for anything but audio.
            (false, Format::Pcm) => Form { stream: true, media_type: "audio/pcm", keep_alive: b"" },
            (false, Format::Wav) => Form { media_type: "audio/wav", ..Form::JSON },
        }
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        request::translate(&self.0, target)
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(FIELDS, &serde_json::from_slice(self.0.body).unwrap_or_default(), notes)
    }

    fn reply(&self, _: AnswerContext) -> Box<dyn Reply> {
        Box::new(answer::SpeechReply::new(self.0.format, self.0.events))
    }
}
