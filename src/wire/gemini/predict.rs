//! Imagen's `PredictRequest` and its answer.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A prompt, and how many pictures of it.
#[derive(Debug, Serialize)]
pub struct Request<'a> {
    /// Exactly one.
    pub instances: [Instance<'a>; 1],
    /// How they are drawn.
    pub parameters: Parameters,
}

/// What to draw.
#[derive(Debug, Serialize)]
pub struct Instance<'a> {
    /// In words.
    pub prompt: &'a str,
}

/// How it is drawn.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// How many pictures, 1–4.
    pub sample_count: u32,
    /// `16:9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<String>,
}

/// The answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer<'a> {
    /// Pictures, and remarks about those that were filtered.
    #[serde(borrow)]
    pub predictions: Vec<Prediction<'a>>,
}

/// A picture, or why there is none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prediction<'a> {
    /// Base64.
    #[serde(borrow)]
    pub bytes_base64_encoded: Option<Cow<'a, str>>,
    /// `image/png`.
    #[serde(borrow)]
    pub mime_type: Option<Cow<'a, str>>,
    /// Why it was filtered.
    #[serde(borrow)]
    pub rai_filtered_reason: Option<Cow<'a, str>>,
}
