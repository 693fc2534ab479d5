//! The request and stream events of `POST /v1/audio/speech`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A text-to-speech request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// The text to speak.
    #[serde(borrow)]
    pub input: Option<Cow<'a, str>>,
    /// The voice: a name, or an object with an `id`.
    #[serde(borrow)]
    pub voice: Option<&'a RawValue>,
    /// How to speak the text.
    #[serde(borrow)]
    pub instructions: Option<Cow<'a, str>>,
    /// `wav`, `pcm`, or a format that is not supported here.
    #[serde(borrow)]
    pub response_format: Option<Cow<'a, str>>,
    /// The transport of the audio: `audio` or `sse`.
    #[serde(borrow)]
    pub stream_format: Option<Cow<'a, str>>,
    /// The speaking rate.
    pub speed: Option<f64>,
}

/// A stream event.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub enum Event<'a> {
    /// A chunk of audio.
    #[serde(rename = "speech.audio.delta")]
    Delta {
        /// Base64.
        audio: &'a str,
    },
    /// The end of the stream.
    #[serde(rename = "speech.audio.done")]
    Done {
        /// Token counts.
        usage: Usage,
    },
}

/// Token counts.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Tokens in the text.
    pub input_tokens: u64,
    /// Tokens in the audio.
    pub output_tokens: u64,
    /// Input and output together.
    pub total_tokens: u64,
}
