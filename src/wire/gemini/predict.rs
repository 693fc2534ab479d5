//! Imagen's `PredictRequest` and its response.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A prompt and the number of images to generate from it.
#[derive(Debug, Serialize)]
pub struct Request<'a> {
    /// Exactly one.
    pub instances: [Instance<'a>; 1],
    /// The image settings.
    pub parameters: Parameters,
}

/// What to draw.
#[derive(Debug, Serialize)]
pub struct Instance<'a> {
    /// The description of the image.
    pub prompt: &'a str,
}

/// The image settings.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The number of images, 1–4.
    pub sample_count: u32,
    /// Such as `16:9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<String>,
}

/// The response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer<'a> {
    /// The images, and an explanation for each one that was filtered.
    #[serde(borrow)]
    pub predictions: Vec<Prediction<'a>>,
}

/// An image, or the reason it was filtered.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prediction<'a> {
    /// Base64.
    #[serde(borrow)]
    pub bytes_base64_encoded: Option<Cow<'a, str>>,
    /// Such as `image/png`.
    #[serde(borrow)]
    pub mime_type: Option<Cow<'a, str>>,
    /// Why the image was filtered.
    #[serde(borrow)]
    pub rai_filtered_reason: Option<Cow<'a, str>>,
}
