//! The request and response of `POST /v1/images/generations` and `/v1/images/edits`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::form::{File, OneOrMany, value};

/// An image request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// The description of the image.
    #[serde(borrow)]
    pub prompt: Option<Cow<'a, str>>,
    /// The images to edit.
    #[serde(borrow)]
    pub image: OneOrMany<File<'a>>,
    /// The mask of the area to edit.
    #[serde(borrow)]
    pub mask: Option<&'a RawValue>,
    /// The number of images to generate.
    #[serde(deserialize_with = "value")]
    pub n: Option<i64>,
    /// `1024x1536`, or `auto`.
    #[serde(borrow)]
    pub size: Option<Cow<'a, str>>,
    /// `low`, `high`, …
    #[serde(borrow)]
    pub quality: Option<Cow<'a, str>>,
    /// `b64_json` or `url`.
    #[serde(borrow)]
    pub response_format: Option<Cow<'a, str>>,
    /// Whether to stream images.
    #[serde(deserialize_with = "value")]
    pub stream: Option<bool>,
}

/// The response.
#[derive(Debug, Serialize)]
pub struct Images<'a> {
    /// Unix time in seconds.
    pub created: i64,
    /// The images, in the order they were generated.
    pub data: Vec<Image<'a>>,
    /// `png` or `jpeg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<&'a str>,
    /// Token counts; Imagen reports none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// An image.
#[derive(Debug, Serialize)]
pub struct Image<'a> {
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b64_json: Option<&'a str>,
    /// A `data:` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The text the model returned with the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revised_prompt: Option<&'a str>,
}

/// Token counts.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Usage {
    /// Tokens in the prompt.
    pub input_tokens: u64,
    /// Tokens in the images.
    pub output_tokens: u64,
    /// Input and output together.
    pub total_tokens: u64,
    /// Prompt tokens by modality.
    pub input_tokens_details: Details,
}

/// Token counts by modality.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Details {
    /// Text tokens.
    pub text_tokens: u64,
    /// Image tokens.
    pub image_tokens: u64,
}
