//! `POST /v1/audio/speech`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A text to be spoken.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// The text.
    #[serde(borrow)]
    pub input: Option<Cow<'a, str>>,
    /// Whose voice: a name, or an object with an `id`.
    #[serde(borrow)]
    pub voice: Option<&'a RawValue>,
    /// How it is spoken.
    #[serde(borrow)]
    pub instructions: Option<Cow<'a, str>>,
    /// `wav`, `pcm`, and what is not made here.
    #[serde(borrow)]
    pub response_format: Option<Cow<'a, str>>,
    /// How the sound travels: `audio` or `sse`.
    #[serde(borrow)]
    pub stream_format: Option<Cow<'a, str>>,
    /// How fast it is spoken.
    pub speed: Option<f64>,
}

/// An event of a stream.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub enum Event<'a> {
    /// Sound.
    #[serde(rename = "speech.audio.delta")]
    Delta {
        /// Base64.
        audio: &'a str,
    },
    /// The end.
    #[serde(rename = "speech.audio.done")]
    Done {
        /// Tokens.
        usage: Usage,
    },
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Of the text.
    pub input_tokens: u64,
    /// Of the sound.
    pub output_tokens: u64,
    /// Together.
    pub total_tokens: u64,
}
