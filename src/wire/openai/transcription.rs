//! The requests and responses of `POST /v1/audio/transcriptions` and `/v1/audio/translations`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::form::{File, OneOrMany, value};

/// A transcription or translation request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// The audio file.
    #[serde(borrow)]
    pub file: Option<File<'a>>,
    /// The spoken language, as an ISO 639-1 code.
    #[serde(borrow)]
    pub language: Option<Cow<'a, str>>,
    /// Names and words that occur in the audio.
    #[serde(borrow)]
    pub prompt: Option<Cow<'a, str>>,
    /// `json`, `text`, `verbose_json`, `srt`, `vtt`.
    #[serde(borrow)]
    pub response_format: Option<Cow<'a, str>>,
    /// Range 0–1.
    #[serde(deserialize_with = "value")]
    pub temperature: Option<f64>,
    /// `segment` or `word`.
    #[serde(borrow)]
    pub timestamp_granularities: OneOrMany<Cow<'a, str>>,
    /// Whether to stream the text.
    #[serde(deserialize_with = "value")]
    pub stream: Option<bool>,
}

/// The plain JSON response.
#[derive(Debug, Serialize)]
pub struct Text<'a> {
    /// The transcribed text.
    pub text: &'a str,
    /// Token counts.
    pub usage: Usage,
}

/// The response with timestamps.
#[derive(Debug, Serialize)]
pub struct Verbose<'a> {
    /// `transcribe` or `translate`.
    pub task: &'static str,
    /// The spoken language.
    pub language: &'a str,
    /// The length of the audio in seconds.
    pub duration: f64,
    /// The transcribed text.
    pub text: String,
    /// The text in timed segments.
    pub segments: Vec<Segment<'a>>,
    /// Token counts.
    pub usage: Usage,
}

/// A timed segment of the text.
#[derive(Debug, Serialize)]
pub struct Segment<'a> {
    /// The segment's index, from 0.
    pub id: usize,
    /// Start time in seconds.
    pub start: f64,
    /// End time in seconds.
    pub end: f64,
    /// The transcribed text.
    pub text: &'a str,
}

/// A stream event.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub enum Event<'a> {
    /// More of the text.
    #[serde(rename = "transcript.text.delta")]
    Delta {
        /// The added text.
        delta: &'a str,
    },
    /// The end of the stream.
    #[serde(rename = "transcript.text.done")]
    Done {
        /// The complete text.
        text: &'a str,
        /// Token counts.
        usage: Usage,
    },
}

/// Token counts.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Usage {
    /// Always `tokens`.
    pub r#type: &'static str,
    /// Tokens in the audio and the prompt.
    pub input_tokens: u64,
    /// Input tokens by modality.
    pub input_token_details: Details,
    /// Tokens in the text.
    pub output_tokens: u64,
    /// Input and output together.
    pub total_tokens: u64,
}

/// Token counts by modality.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Details {
    /// Audio tokens.
    pub audio_tokens: u64,
    /// Text tokens.
    pub text_tokens: u64,
}
