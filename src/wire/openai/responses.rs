//! The body of `POST /v1/responses`. Null means absent everywhere; unknown fields are ignored. Fields that can have
//! several shapes (input, content, outputs, tool choice) stay raw until the shape is known.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::json::optional;

/// A request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow, deserialize_with = "optional")]
    pub model: Option<Cow<'a, str>>,
    /// A string or a list of items.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// The system prompt, valid for this request only.
    #[serde(borrow)]
    pub instructions: Option<&'a RawValue>,
    /// The id of the answer this request continues from.
    #[serde(borrow, deserialize_with = "optional")]
    pub previous_response_id: Option<Cow<'a, str>>,
    /// Whether to store the answer, so that it can be retrieved and continued from. True when absent.
    pub store: Option<bool>,
    /// Whether to stream the answer.
    pub stream: Option<bool>,
    /// Whether to process the request in the background instead of answering it directly.
    pub background: Option<bool>,
    /// A conversation stored at OpenAI.
    #[serde(borrow)]
    pub conversation: Option<&'a RawValue>,
    /// A prompt stored at OpenAI.
    #[serde(borrow)]
    pub prompt: Option<&'a RawValue>,
    /// Maximum number of tokens in the answer, thoughts included.
    pub max_output_tokens: Option<i64>,
    /// Range 0–2.
    pub temperature: Option<f64>,
    /// Range 0–1.
    pub top_p: Option<f64>,
    /// The number of alternatives to return for each token.
    pub top_logprobs: Option<i64>,
    /// The tools the model may call.
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
    /// Whether the model must call a tool, and which: a string or an object.
    #[serde(borrow)]
    pub tool_choice: Option<&'a RawValue>,
    /// Whether the model may make several calls at once.
    pub parallel_tool_calls: Option<bool>,
    /// The reasoning settings.
    #[serde(borrow)]
    pub reasoning: Option<Reasoning<'a>>,
    /// The answer's format.
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    /// `auto`, `default`, `flex`, `priority`.
    #[serde(borrow, deserialize_with = "optional")]
    pub service_tier: Option<Cow<'a, str>>,
    /// Additional data to include in the answer.
    #[serde(borrow)]
    pub include: Option<Vec<Cow<'a, str>>>,
}

impl Request<'_> {
    /// Whether the request asks for this additional data.
    pub fn includes(&self, what: &str) -> bool {
        self.include.iter().flatten().any(|word| word == what)
    }
}

/// The reasoning settings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reasoning<'a> {
    /// The effort: none, minimal, low, medium, high, xhigh, max.
    #[serde(borrow, deserialize_with = "optional")]
    pub effort: Option<Cow<'a, str>>,
    /// The detail of thought summaries: auto, concise, detailed.
    #[serde(borrow, deserialize_with = "optional")]
    pub summary: Option<Cow<'a, str>>,
}

/// The answer's format.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Text<'a> {
    /// The answer's format.
    #[serde(borrow)]
    pub format: Option<Format<'a>>,
}

/// The format of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Format<'a> {
    /// `text`, `json_object` or `json_schema`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// For `json_schema`: the schema.
    #[serde(borrow)]
    pub schema: Option<&'a RawValue>,
}

/// One item of the input. `type` determines which of the other fields are present; a message may omit it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Item<'a> {
    /// The item's id, if it was part of an answer. For a reference: the id of the item it refers to.
    #[serde(borrow, deserialize_with = "optional")]
    pub id: Option<Cow<'a, str>>,
    /// `message`, `function_call`, `function_call_output`, `reasoning`, …
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// For a message: `user`, `assistant`, `system` or `developer`.
    #[serde(borrow, deserialize_with = "optional")]
    pub role: Option<Cow<'a, str>>,
    /// For a message: a string or parts.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    /// The id that links a call and its output.
    #[serde(borrow, deserialize_with = "optional")]
    pub call_id: Option<Cow<'a, str>>,
    /// The name of the called function.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// The namespace in which the function is declared.
    #[serde(borrow, deserialize_with = "optional")]
    pub namespace: Option<Cow<'a, str>>,
    /// The arguments of the call: JSON, encoded in a string.
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
    /// The input of a custom tool call: free text.
    #[serde(borrow, deserialize_with = "optional")]
    pub input: Option<Cow<'a, str>>,
    /// The result of a call: a string or parts.
    #[serde(borrow)]
    pub output: Option<&'a RawValue>,
    /// For a reasoning item: the signature that authenticates the next call.
    #[serde(borrow, deserialize_with = "optional")]
    pub encrypted_content: Option<Cow<'a, str>>,
}

/// One part of a message's content or of an output. `type` determines which of the other fields are present.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part<'a> {
    /// `input_text`, `output_text`, `refusal`, `input_image`, `input_file` or `input_audio`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The text.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// The text of a refusal.
    #[serde(borrow)]
    pub refusal: Option<&'a RawValue>,
    /// An image by URL.
    #[serde(borrow)]
    pub image_url: Option<&'a RawValue>,
    /// `auto`, `low` or `high`.
    #[serde(borrow, deserialize_with = "optional")]
    pub detail: Option<Cow<'a, str>>,
    /// A file stored at Google.
    #[serde(borrow, deserialize_with = "optional")]
    pub file_id: Option<Cow<'a, str>>,
    /// A data URL, or base64.
    #[serde(borrow)]
    pub file_data: Option<&'a RawValue>,
    /// A file by URL.
    #[serde(borrow)]
    pub file_url: Option<&'a RawValue>,
    /// The file's name; its extension determines the media type.
    #[serde(borrow, deserialize_with = "optional")]
    pub filename: Option<Cow<'a, str>>,
}

/// A tool the model may call. `type` determines which of the other fields are present.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    /// `function`, `custom`, `namespace`, `web_search`, `code_interpreter`, …
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The tool's name.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// What the function does, for the model.
    #[serde(borrow)]
    pub description: Option<&'a RawValue>,
    /// Its parameters, as JSON Schema.
    #[serde(borrow)]
    pub parameters: Option<&'a RawValue>,
    /// Whether calls must conform to the schema. OpenAI treats absent as true.
    pub strict: Option<bool>,
    /// The input format of a custom tool.
    #[serde(borrow)]
    pub format: Option<&'a RawValue>,
    /// For a namespace: the tools declared in it.
    #[serde(borrow)]
    pub tools: Vec<Tool<'a>>,
}

/// `tool_choice` as an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolChoice<'a> {
    /// `function`, `custom`, `allowed_tools`, or the name of a built-in tool.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The function to call.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// The namespace in which the function is declared.
    #[serde(borrow, deserialize_with = "optional")]
    pub namespace: Option<Cow<'a, str>>,
    /// For `allowed_tools`: `auto` or `required`.
    #[serde(borrow, deserialize_with = "optional")]
    pub mode: Option<Cow<'a, str>>,
    /// For `allowed_tools`: the allowed tools.
    #[serde(borrow)]
    pub tools: Vec<ToolChoice<'a>>,
}
