//! The body of `POST /v1/completions`, OpenAI's older API: one text in, one text out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::json::optional;

use super::chat::StreamOptions;

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow, deserialize_with = "optional")]
    pub model: Option<Cow<'a, str>>,
    /// A string, or a list of one string.
    #[serde(borrow)]
    pub prompt: Option<&'a RawValue>,
    /// The text that follows the completion.
    #[serde(borrow, deserialize_with = "optional")]
    pub suffix: Option<Cow<'a, str>>,
    /// Whether to repeat the prompt in front of the answer.
    pub echo: Option<bool>,
    /// Whether to stream the answer.
    pub stream: Option<bool>,
    /// Options for the stream.
    pub stream_options: Option<StreamOptions>,
    /// Maximum number of tokens in the answer.
    pub max_tokens: Option<i64>,
    /// Range 0–2.
    pub temperature: Option<f64>,
    /// Range 0–1.
    pub top_p: Option<f64>,
    /// The number of answers to generate.
    pub n: Option<i64>,
    /// A string, or up to four strings.
    #[serde(borrow)]
    pub stop: Option<&'a RawValue>,
    /// Seed for reproducible sampling.
    pub seed: Option<i64>,
    /// Range -2–2.
    pub frequency_penalty: Option<f64>,
    /// Range -2–2.
    pub presence_penalty: Option<f64>,
}
