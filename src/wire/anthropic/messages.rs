//! The body of `POST /v1/messages` and `/v1/messages/count_tokens`. Null means absent everywhere; unknown fields are passed
//! over. What has several shapes (content, system, tool results) stays raw until it is known which one it is.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// The conversation.
    #[serde(borrow)]
    pub messages: Option<Vec<Message<'a>>>,
    /// What the model is told before everything: a text, or text blocks.
    #[serde(borrow)]
    pub system: Option<&'a RawValue>,
    /// Most tokens of the answer, thoughts included.
    pub max_tokens: Option<i64>,
    /// Whether the answer comes in pieces.
    pub stream: Option<bool>,
    /// 0–1 at Anthropic's, up to 2 here.
    pub temperature: Option<f64>,
    /// 0–1.
    pub top_p: Option<f64>,
    /// From 1.
    pub top_k: Option<i64>,
    /// Texts that end the answer.
    #[serde(borrow)]
    pub stop_sequences: Option<Vec<Cow<'a, str>>>,
    /// What the model may call.
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
    /// Whether and what it must call.
    #[serde(borrow)]
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether it thinks.
    #[serde(borrow)]
    pub thinking: Option<Thinking<'a>>,
    /// How the answer looks, and how much work goes into it.
    #[serde(borrow)]
    pub output_config: Option<OutputConfig<'a>>,
    /// The form of the answer, as it was before `output_config`.
    #[serde(borrow)]
    pub output_format: Option<Format<'a>>,
    /// A conversation that is kept between turns.
    #[serde(borrow)]
    pub thread: Option<Thread<'a>>,
}

/// A conversation that is kept between turns, under the ids of its answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thread<'a> {
    /// create, continue.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Of `continue`: the answer it goes on from.
    #[serde(borrow)]
    pub previous_message_id: Option<Cow<'a, str>>,
}

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    /// user, assistant, system.
    #[serde(borrow)]
    pub role: Option<Cow<'a, str>>,
    /// A text or a list of blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
}

/// One block of a message's content. `type` says which of the others is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Block<'a> {
    /// text, image, document, tool_use, tool_result, thinking, …
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Words.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// Of an image or a document: where it is. Of a search result: where it is from.
    #[serde(borrow)]
    pub source: Option<&'a RawValue>,
    /// Of a document or a search result.
    #[serde(borrow)]
    pub title: Option<Cow<'a, str>>,
    /// Of a document: what to know about it.
    #[serde(borrow)]
    pub context: Option<Cow<'a, str>>,
    /// Of a call.
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    /// The function that was called.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// What it was called with: an object.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// Which call this is the result of.
    #[serde(borrow)]
    pub tool_use_id: Option<Cow<'a, str>>,
    /// Of a result or a search result: a text or blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    /// Whether the call failed.
    pub is_error: Option<bool>,
    /// Of a thought: what makes it believed.
    #[serde(borrow)]
    pub signature: Option<Cow<'a, str>>,
    /// Of a thought that is not shown.
    #[serde(borrow)]
    pub data: Option<Cow<'a, str>>,
}

/// Where an image or a document is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source<'a> {
    /// base64, url, file, text, content.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// `image/png`.
    #[serde(borrow)]
    pub media_type: Option<Cow<'a, str>>,
    /// Base64, or the words of a text document; a JSON string, raw because it may be megabytes.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    /// `https:`.
    #[serde(borrow)]
    pub url: Option<&'a RawValue>,
    /// A file at Google.
    #[serde(borrow)]
    pub file_id: Option<Cow<'a, str>>,
    /// A text or blocks.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
}

/// What the model may call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    /// custom (or absent), `web_search_…`, `code_execution_…`, …
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Its name.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// What it is for.
    #[serde(borrow)]
    pub description: Option<&'a RawValue>,
    /// What it takes, as JSON Schema.
    #[serde(borrow)]
    pub input_schema: Option<&'a RawValue>,
    /// Whether calls keep to the schema.
    pub strict: Option<bool>,
}

/// Whether and what the model must call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolChoice<'a> {
    /// auto, any, tool, none.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Of `tool`: which.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// Whether it calls one at most.
    pub disable_parallel_tool_use: Option<bool>,
}

/// Whether the model thinks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thinking<'a> {
    /// enabled, adaptive, disabled.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Of `enabled`: in tokens.
    pub budget_tokens: Option<i64>,
    /// summarized, omitted.
    #[serde(borrow)]
    pub display: Option<Cow<'a, str>>,
}

/// How the answer looks, and how much work goes into it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OutputConfig<'a> {
    /// low, medium, high, xhigh, max.
    #[serde(borrow)]
    pub effort: Option<Cow<'a, str>>,
    /// Its form.
    #[serde(borrow)]
    pub format: Option<Format<'a>>,
}

/// The form of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Format<'a> {
    /// json_schema.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// JSON Schema.
    #[serde(borrow)]
    pub schema: Option<&'a RawValue>,
}
