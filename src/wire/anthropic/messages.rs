//! The body of `POST /v1/messages` and `/v1/messages/count_tokens`. Null means absent everywhere; unknown fields are
//! ignored. Fields that can have several shapes (content, system, tool results) stay raw until the shape is known.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::json::{Repeated, optional};

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow, deserialize_with = "optional")]
    pub model: Option<Cow<'a, str>>,
    /// The conversation.
    #[serde(borrow)]
    pub messages: Option<Vec<Message<'a>>>,
    /// The system prompt: a string or text blocks.
    #[serde(borrow)]
    pub system: Option<&'a RawValue>,
    /// Maximum number of tokens in the answer, thoughts included.
    pub max_tokens: Option<i64>,
    /// Whether to stream the answer.
    pub stream: Option<bool>,
    /// Range 0–1 at Anthropic; up to 2 is accepted here.
    pub temperature: Option<f64>,
    /// Range 0–1.
    pub top_p: Option<f64>,
    /// At least 1.
    pub top_k: Option<i64>,
    /// Strings that end the answer.
    #[serde(borrow)]
    pub stop_sequences: Option<Vec<Cow<'a, str>>>,
    /// The tools the model may call: an array of [`Tool`]s.
    #[serde(borrow)]
    pub tools: Option<Repeated<'a>>,
    /// Whether the model must call a tool, and which.
    #[serde(borrow)]
    pub tool_choice: Option<ToolChoice<'a>>,
    /// The thinking mode.
    #[serde(borrow)]
    pub thinking: Option<Thinking<'a>>,
    /// The answer's format and the effort spent on it.
    #[serde(borrow)]
    pub output_config: Option<OutputConfig<'a>>,
    /// The answer's format in its older field, from before `output_config`.
    #[serde(borrow)]
    pub output_format: Option<Format<'a>>,
    /// The stored conversation this request belongs to.
    #[serde(borrow)]
    pub thread: Option<Thread<'a>>,
}

/// A conversation stored between turns under the ids of its answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thread<'a> {
    /// `create` or `continue`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// For `continue`: the answer this request continues from.
    #[serde(borrow, deserialize_with = "optional")]
    pub previous_message_id: Option<Cow<'a, str>>,
}

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    /// `user`, `assistant` or `system`.
    #[serde(borrow, deserialize_with = "optional")]
    pub role: Option<Cow<'a, str>>,
    /// A string or a list of blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
}

/// One block of a message's content. `type` determines which of the other fields are present.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Block<'a> {
    /// `text`, `image`, `document`, `tool_use`, `tool_result`, `thinking`, …
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The text.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// For an image or a document: its location. For a search result: its origin.
    #[serde(borrow)]
    pub source: Option<&'a RawValue>,
    /// The title of a document or a search result.
    #[serde(borrow, deserialize_with = "optional")]
    pub title: Option<Cow<'a, str>>,
    /// For a document: background information about it.
    #[serde(borrow, deserialize_with = "optional")]
    pub context: Option<Cow<'a, str>>,
    /// The id of a tool call.
    #[serde(borrow, deserialize_with = "optional")]
    pub id: Option<Cow<'a, str>>,
    /// The name of the called function.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// The arguments of the call: an object.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// The id of the call this is the result of.
    #[serde(borrow, deserialize_with = "optional")]
    pub tool_use_id: Option<Cow<'a, str>>,
    /// For a tool result or a search result: a string or blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    /// Whether the call failed.
    pub is_error: Option<bool>,
    /// For a thinking block: the signature that authenticates it.
    #[serde(borrow, deserialize_with = "optional")]
    pub signature: Option<Cow<'a, str>>,
    /// For a redacted thinking block: its opaque data.
    #[serde(borrow, deserialize_with = "optional")]
    pub data: Option<Cow<'a, str>>,
}

/// The location of an image or a document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source<'a> {
    /// `base64`, `url`, `file`, `text` or `content`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The media type, such as `image/png`.
    #[serde(borrow, deserialize_with = "optional")]
    pub media_type: Option<Cow<'a, str>>,
    /// Base64, or the text of a text document. A JSON string, raw because it may be megabytes.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    /// An `https:` URL.
    #[serde(borrow)]
    pub url: Option<&'a RawValue>,
    /// A file stored at Google.
    #[serde(borrow, deserialize_with = "optional")]
    pub file_id: Option<Cow<'a, str>>,
    /// A string or blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
}

/// A tool the model may call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    /// `custom` (or absent), `web_search_…`, `code_execution_…`, …
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The tool's name.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// What the tool does, for the model.
    #[serde(borrow)]
    pub description: Option<&'a RawValue>,
    /// Its parameters, as JSON Schema.
    #[serde(borrow)]
    pub input_schema: Option<&'a RawValue>,
    /// Whether calls must conform to the schema.
    pub strict: Option<bool>,
}

/// Whether the model must call a tool, and which.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolChoice<'a> {
    /// `auto`, `any`, `tool` or `none`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// For `tool`: the name of the tool.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// Whether to limit the model to at most one call.
    pub disable_parallel_tool_use: Option<bool>,
}

/// The thinking mode.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thinking<'a> {
    /// `enabled`, `adaptive` or `disabled`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// For `enabled`: the budget in tokens.
    pub budget_tokens: Option<i64>,
    /// `summarized` or `omitted`.
    #[serde(borrow, deserialize_with = "optional")]
    pub display: Option<Cow<'a, str>>,
}

/// The answer's format and the effort spent on it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OutputConfig<'a> {
    /// `low`, `medium`, `high`, `xhigh` or `max`.
    #[serde(borrow, deserialize_with = "optional")]
    pub effort: Option<Cow<'a, str>>,
    /// The answer's format.
    #[serde(borrow)]
    pub format: Option<Format<'a>>,
}

/// The format of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Format<'a> {
    /// `json_schema`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The JSON Schema.
    #[serde(borrow)]
    pub schema: Option<&'a RawValue>,
}
