//! `BatchEmbedContentsRequest` and its answer.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::request::Content;

/// Several contents, each to become a vector of its own.
#[derive(Debug, Serialize)]
pub struct Batch<'a> {
    /// At most 100.
    pub requests: Vec<Request<'a>>,
}

/// One content. All its parts become one vector.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// `models/…`, the one of the path.
    pub model: &'a str,
    /// The content.
    pub content: Content<'a>,
    /// What the vector is for: `RETRIEVAL_QUERY`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<Cow<'a, str>>,
    /// How long the vector is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_dimensionality: Option<i64>,
}

/// The answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// One for each content, in order.
    pub embeddings: Vec<Values>,
    /// Tokens; only newer models tell.
    pub usage_metadata: Option<Usage>,
}

/// A vector.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Values {
    /// Its numbers.
    pub values: Vec<f32>,
}

/// Tokens.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Of the contents.
    pub prompt_token_count: u64,
}
