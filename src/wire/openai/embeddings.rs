//! `POST /v1/embeddings`: what is asked, and how it is answered.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An embeddings request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// A text, or an array of texts; token arrays are OpenAI's own.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// `float` or `base64`.
    #[serde(borrow)]
    pub encoding_format: Option<Cow<'a, str>>,
    /// How long each vector is.
    pub dimensions: Option<i64>,
    /// What the vectors are for, in Gemini's own words (an extension).
    #[serde(borrow)]
    pub task_type: Option<Cow<'a, str>>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct List<'a> {
    /// `list`.
    pub object: &'static str,
    /// In the order of the input.
    pub data: Vec<Embedding>,
    /// As the client named it.
    pub model: &'a str,
    /// Tokens.
    pub usage: Usage,
}

/// One vector.
#[derive(Debug, Serialize)]
pub struct Embedding {
    /// `embedding`.
    pub object: &'static str,
    /// Which of the input's texts it is of.
    pub index: usize,
    /// The vector.
    pub embedding: Vector,
}

/// A vector, in the form that was asked for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Vector {
    /// Numbers.
    Floats(Vec<f32>),
    /// Little-endian single precision, as base64.
    Base64(String),
}

/// Tokens.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Usage {
    /// Of the texts.
    pub prompt_tokens: u64,
    /// The same.
    pub total_tokens: u64,
}
