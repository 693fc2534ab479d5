//! The request and response of `POST /v1/embeddings`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An embeddings request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// A string or an array of strings. Token arrays are specific to OpenAI's models.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// `float` or `base64`.
    #[serde(borrow)]
    pub encoding_format: Option<Cow<'a, str>>,
    /// The length of each vector.
    pub dimensions: Option<i64>,
    /// The intended use of the vectors, as one of Gemini's task types (an extension).
    #[serde(borrow)]
    pub task_type: Option<Cow<'a, str>>,
}

/// The response.
#[derive(Debug, Serialize)]
pub struct List<'a> {
    /// `list`.
    pub object: &'static str,
    /// In the order of the input.
    pub data: Vec<Embedding>,
    /// The model's name as the client wrote it.
    pub model: &'a str,
    /// Token counts.
    pub usage: Usage,
}

/// One vector.
#[derive(Debug, Serialize)]
pub struct Embedding {
    /// `embedding`.
    pub object: &'static str,
    /// The index of the input text that this vector belongs to.
    pub index: usize,
    /// The vector.
    pub embedding: Vector,
}

/// A vector, in the requested encoding.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Vector {
    /// An array of numbers.
    Floats(Vec<f32>),
    /// Little-endian single-precision floats, as base64.
    Base64(String),
}

/// Token counts.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Usage {
    /// Tokens in the texts.
    pub prompt_tokens: u64,
    /// The same number: embeddings have no output tokens.
    pub total_tokens: u64,
}
