//! `POST /v1/images/generations` and `/v1/images/edits`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::form::{File, Several, value};

/// An image request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// What to draw.
    #[serde(borrow)]
    pub prompt: Option<Cow<'a, str>>,
    /// What to draw after.
    #[serde(borrow)]
    pub image: Several<File<'a>>,
    /// Where to draw.
    #[serde(borrow)]
    pub mask: Option<&'a RawValue>,
    /// How many pictures.
    #[serde(deserialize_with = "value")]
    pub n: Option<i64>,
    /// `1024x1536`, or `auto`.
    #[serde(borrow)]
    pub size: Option<Cow<'a, str>>,
    /// `low`, `high`, ….
    #[serde(borrow)]
    pub quality: Option<Cow<'a, str>>,
    /// `b64_json` or `url`.
    #[serde(borrow)]
    pub response_format: Option<Cow<'a, str>>,
    /// Whether pictures come in pieces.
    #[serde(deserialize_with = "value")]
    pub stream: Option<bool>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Images<'a> {
    /// Unix time in seconds.
    pub created: i64,
    /// In the order they were drawn.
    pub data: Vec<Image<'a>>,
    /// `png`, `jpeg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<&'a str>,
    /// Tokens; Imagen counts none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// A picture.
#[derive(Debug, Serialize)]
pub struct Image<'a> {
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b64_json: Option<&'a str>,
    /// A `data:` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the model says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revised_prompt: Option<&'a str>,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Of the prompt.
    pub input_tokens: u64,
    /// Of the picture.
    pub output_tokens: u64,
    /// Together.
    pub total_tokens: u64,
    /// Of the prompt, by kind.
    pub input_tokens_details: Details,
}

/// Tokens by kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Details {
    /// Of texts.
    pub text_tokens: u64,
    /// Of pictures.
    pub image_tokens: u64,
}
