//! The body of `POST /v1/completions`, OpenAI's older form: one text in, one text out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::chat::StreamOptions;

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// A text, or a list of one.
    #[serde(borrow)]
    pub prompt: Option<&'a RawValue>,
    /// What stands behind the text that is wanted.
    #[serde(borrow)]
    pub suffix: Option<Cow<'a, str>>,
    /// Whether the prompt is repeated in front of the answer.
    pub echo: Option<bool>,
    /// Whether the answer comes in pieces.
    pub stream: Option<bool>,
    /// How the pieces look.
    pub stream_options: Option<StreamOptions>,
    /// Most tokens of the answer.
    pub max_tokens: Option<i64>,
    /// 0–2.
    pub temperature: Option<f64>,
    /// 0–1.
    pub top_p: Option<f64>,
    /// How many answers.
    pub n: Option<i64>,
    /// A text, or up to four.
    #[serde(borrow)]
    pub stop: Option<&'a RawValue>,
    /// For repeatable answers.
    pub seed: Option<i64>,
    /// -2–2.
    pub frequency_penalty: Option<f64>,
    /// -2–2.
    pub presence_penalty: Option<f64>,
}
