//! `POST /v1/audio/transcriptions` and `/v1/audio/translations`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::form::{File, Several, value};

/// A sound to be written down.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// The sound.
    #[serde(borrow)]
    pub file: Option<File<'a>>,
    /// What is spoken, as ISO 639-1.
    #[serde(borrow)]
    pub language: Option<Cow<'a, str>>,
    /// Names and words that occur.
    #[serde(borrow)]
    pub prompt: Option<Cow<'a, str>>,
    /// `json`, `text`, `verbose_json`, `srt`, `vtt`.
    #[serde(borrow)]
    pub response_format: Option<Cow<'a, str>>,
    /// 0–1.
    #[serde(deserialize_with = "value")]
    pub temperature: Option<f64>,
    /// `segment`, `word`.
    #[serde(borrow)]
    pub timestamp_granularities: Several<Cow<'a, str>>,
    /// Whether the text comes in pieces.
    #[serde(deserialize_with = "value")]
    pub stream: Option<bool>,
}

/// The text.
#[derive(Debug, Serialize)]
pub struct Text<'a> {
    /// What was said.
    pub text: &'a str,
    /// Tokens.
    pub usage: Usage,
}

/// The text with times.
#[derive(Debug, Serialize)]
pub struct Verbose<'a> {
    /// `transcribe` or `translate`.
    pub task: &'static str,
    /// What is spoken.
    pub language: &'a str,
    /// In seconds.
    pub duration: f64,
    /// What was said.
    pub text: String,
    /// Piece by piece.
    pub segments: Vec<Segment<'a>>,
    /// Tokens.
    pub usage: Usage,
}

/// A piece of what was said.
#[derive(Debug, Serialize)]
pub struct Segment<'a> {
    /// Which, from 0.
    pub id: usize,
    /// Its beginning, in seconds.
    pub start: f64,
    /// Its end, in seconds.
    pub end: f64,
    /// What was said.
    pub text: &'a str,
}

/// An event of a stream.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub enum Event<'a> {
    /// More of the text.
    #[serde(rename = "transcript.text.delta")]
    Delta {
        /// The text.
        delta: &'a str,
    },
    /// The end.
    #[serde(rename = "transcript.text.done")]
    Done {
        /// All of the text.
        text: &'a str,
        /// Tokens.
        usage: Usage,
    },
}

/// Tokens.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Usage {
    /// `tokens`.
    pub r#type: &'static str,
    /// Of the sound and what was asked.
    pub input_tokens: u64,
    /// Of what was sound, and what was text.
    pub input_token_details: Details,
    /// Of the text.
    pub output_tokens: u64,
    /// Together.
    pub total_tokens: u64,
}

/// Tokens by kind.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Details {
    /// Of sound.
    pub audio_tokens: u64,
    /// Of text.
    pub text_tokens: u64,
}
