//! `BatchEmbedContentsRequest` and its response.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::request::Content;

/// Several contents, each of which becomes its own vector.
#[derive(Debug, Serialize)]
pub struct Batch<'a> {
    /// At most 100.
    pub requests: Vec<Request<'a>>,
}

/// One content. All its parts together become one vector.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// `models/…`, the same model as in the path.
    pub model: &'a str,
    /// The content to embed.
    pub content: Content<'a>,
    /// The intended use of the vector: `RETRIEVAL_QUERY`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<Cow<'a, str>>,
    /// The length of the vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_dimensionality: Option<i64>,
}

/// The response.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// One vector per content, in order.
    pub embeddings: Vec<Values>,
    /// Token counts; only newer models report them.
    pub usage_metadata: Option<Usage>,
}

/// A vector.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Values {
    /// The vector's components.
    pub values: Vec<f32>,
}

/// Token counts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Tokens in the contents.
    pub prompt_token_count: u64,
}
