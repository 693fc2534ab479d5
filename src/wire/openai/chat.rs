//! The body of `POST /v1/chat/completions`. Null means absent everywhere; unknown fields are ignored. Fields that can
//! have several shapes (content, stop, tool choice) stay raw until the shape is known.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::json::{Repeated, optional};

pub use super::google::{ExtraBody, Google, GoogleThinking};

/// A chat request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// The requested model.
    #[serde(borrow, deserialize_with = "optional")]
    pub model: Option<Cow<'a, str>>,
    /// The conversation.
    #[serde(borrow)]
    pub messages: Option<Vec<Message<'a>>>,
    /// Whether to stream the answer.
    pub stream: Option<bool>,
    /// Options for the stream.
    pub stream_options: Option<StreamOptions>,
    /// Maximum number of tokens in the answer, thoughts included.
    pub max_completion_tokens: Option<i64>,
    /// The older name of `max_completion_tokens`.
    pub max_tokens: Option<i64>,
    /// Range 0–2.
    pub temperature: Option<f64>,
    /// Range 0–1.
    pub top_p: Option<f64>,
    /// An extension that many clients support.
    pub top_k: Option<i64>,
    /// The number of answers to generate.
    pub n: Option<i64>,
    /// A string, or up to four strings (Gemini accepts five).
    #[serde(borrow)]
    pub stop: Option<&'a RawValue>,
    /// Seed for reproducible sampling.
    pub seed: Option<i64>,
    /// Range -2–2.
    pub frequency_penalty: Option<f64>,
    /// Range -2–2.
    pub presence_penalty: Option<f64>,
    /// Whether to return token probabilities.
    pub logprobs: Option<bool>,
    /// The number of alternatives to return for each token.
    pub top_logprobs: Option<i64>,
    /// Plain text, JSON, or JSON that conforms to a schema.
    #[serde(borrow)]
    pub response_format: Option<ResponseFormat<'a>>,
    /// The tools the model may call: an array of [`Tool`]s.
    #[serde(borrow)]
    pub tools: Option<Repeated<'a>>,
    /// Whether the model must call a tool, and which: a string or an object.
    #[serde(borrow)]
    pub tool_choice: Option<&'a RawValue>,
    /// Whether the model may make several calls at once.
    pub parallel_tool_calls: Option<bool>,
    /// Tools in their older field, from before `tools`.
    #[serde(borrow)]
    pub functions: Option<Vec<Function<'a>>>,
    /// The tool choice for `functions`.
    #[serde(borrow)]
    pub function_call: Option<&'a RawValue>,
    /// The reasoning effort: none, minimal, low, medium, high, xhigh, max.
    #[serde(borrow, deserialize_with = "optional")]
    pub reasoning_effort: Option<Cow<'a, str>>,
    /// The output modalities.
    #[serde(borrow)]
    pub modalities: Option<Vec<Cow<'a, str>>>,
    /// `auto`, `default`, `flex`, `priority`, …
    #[serde(borrow, deserialize_with = "optional")]
    pub service_tier: Option<Cow<'a, str>>,
    /// When present, the model may search the web.
    #[serde(borrow)]
    pub web_search_options: Option<&'a RawValue>,
    /// Google's extensions, in the form Google's own OpenAI endpoint accepts.
    #[serde(borrow)]
    pub extra_body: Option<ExtraBody<'a>>,
    /// The same extensions without the `extra_body` wrapper.
    #[serde(borrow)]
    pub google: Option<Google<'a>>,
}

/// Options for a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    /// Whether the last chunk reports usage.
    pub include_usage: Option<bool>,
}

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    /// `system`, `developer`, `user`, `assistant`, `tool` or `function`.
    #[serde(borrow, deserialize_with = "optional")]
    pub role: Option<Cow<'a, str>>,
    /// A string or a list of parts.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    /// The function's name (role `function`).
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// The text of a refusal.
    #[serde(borrow)]
    pub refusal: Option<&'a RawValue>,
    /// The tool calls the assistant made.
    #[serde(borrow)]
    pub tool_calls: Option<Vec<ToolCall<'a>>>,
    /// The assistant's call in its older field, from before `tool_calls`.
    #[serde(borrow)]
    pub function_call: Option<CalledFunction<'a>>,
    /// A spoken answer, referenced by id.
    #[serde(borrow)]
    pub audio: Option<&'a RawValue>,
    /// The id of the call that a tool message answers.
    #[serde(borrow, deserialize_with = "optional")]
    pub tool_call_id: Option<Cow<'a, str>>,
    /// Google's extension: the signature of the message's text.
    #[serde(borrow)]
    pub extra_content: Option<ExtraContent<'a>>,
}

/// A tool call the assistant made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolCall<'a> {
    /// The id that the call's result refers to.
    #[serde(borrow, deserialize_with = "optional")]
    pub id: Option<Cow<'a, str>>,
    /// The function and its arguments.
    #[serde(borrow)]
    pub function: Option<CalledFunction<'a>>,
    /// A custom tool and its input.
    #[serde(borrow)]
    pub custom: Option<CalledCustom<'a>>,
    /// Google's extension: the signature of this call.
    #[serde(borrow)]
    pub extra_content: Option<ExtraContent<'a>>,
}

/// A function and its arguments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CalledFunction<'a> {
    /// The function's name.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// JSON, encoded in a string.
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
}

/// A custom tool and its input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CalledCustom<'a> {
    /// The tool's name.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// Free text.
    #[serde(borrow, deserialize_with = "optional")]
    pub input: Option<Cow<'a, str>>,
}

/// `extra_content.google.thought_signature`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExtraContent<'a> {
    /// Google's member.
    #[serde(borrow)]
    pub google: Option<GoogleContent<'a>>,
}

/// Data that Google attaches to a message or call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GoogleContent<'a> {
    /// The thought signature, to be sent back unchanged.
    #[serde(borrow, deserialize_with = "optional")]
    pub thought_signature: Option<Cow<'a, str>>,
}

impl<'a> ExtraContent<'a> {
    /// Returns the signature if it is present and not empty.
    pub fn signature(&self) -> Option<&Cow<'a, str>> {
        self.google.as_ref()?.thought_signature.as_ref().filter(|signature| !signature.is_empty())
    }
}

/// One part of a message's content. `type` determines which of the other fields are present.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part<'a> {
    /// `text`, `image_url`, `input_audio`, `file`, `refusal`, `video_url`, …
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The text.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// The text of a refusal.
    #[serde(borrow)]
    pub refusal: Option<&'a RawValue>,
    /// An image by URL: an object, or the bare URL that some clients send.
    #[serde(borrow)]
    pub image_url: Option<&'a RawValue>,
    /// A video by URL (an extension).
    #[serde(borrow)]
    pub video_url: Option<&'a RawValue>,
    /// Audio input.
    #[serde(borrow)]
    pub input_audio: Option<InputAudio<'a>>,
    /// A file.
    #[serde(borrow)]
    pub file: Option<File<'a>>,
}

/// An image or video by URL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MediaUrl<'a> {
    /// `data:` or `https:`; a JSON string, raw because it may be megabytes.
    #[serde(borrow)]
    pub url: Option<&'a RawValue>,
    /// `auto`, `low`, `high` or `original`.
    #[serde(borrow, deserialize_with = "optional")]
    pub detail: Option<Cow<'a, str>>,
}

/// Audio input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InputAudio<'a> {
    /// Base64; a JSON string.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    /// `wav`, `mp3`, …
    #[serde(borrow, deserialize_with = "optional")]
    pub format: Option<Cow<'a, str>>,
}

/// A file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    /// A data URL, or base64; a JSON string.
    #[serde(borrow)]
    pub file_data: Option<&'a RawValue>,
    /// A file stored at Google.
    #[serde(borrow, deserialize_with = "optional")]
    pub file_id: Option<Cow<'a, str>>,
    /// The file's name; its extension determines the media type.
    #[serde(borrow, deserialize_with = "optional")]
    pub filename: Option<Cow<'a, str>>,
}

/// The format of the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResponseFormat<'a> {
    /// `text`, `json_object` or `json_schema`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// For `json_schema`: the schema.
    #[serde(borrow)]
    pub json_schema: Option<NamedSchema<'a>>,
}

/// A schema with a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NamedSchema<'a> {
    /// The JSON Schema.
    #[serde(borrow)]
    pub schema: Option<&'a RawValue>,
}

/// A tool the model may call. `type` determines which of the other fields are present; Google's own tools use a field
/// of their own name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    /// `function`, `custom`, `web_search`, …
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// A function.
    #[serde(borrow)]
    pub function: Option<Function<'a>>,
    /// A custom tool, which takes free text.
    #[serde(borrow)]
    pub custom: Option<Function<'a>>,
    /// Google Search.
    #[serde(borrow, alias = "googleSearch")]
    pub google_search: Option<&'a RawValue>,
    /// Google's Python code execution.
    #[serde(borrow, alias = "codeExecution")]
    pub code_execution: Option<&'a RawValue>,
    /// Google's page retrieval.
    #[serde(borrow, alias = "urlContext")]
    pub url_context: Option<&'a RawValue>,
}

/// A function.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Function<'a> {
    /// The function's name.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// What the function does, for the model.
    #[serde(borrow)]
    pub description: Option<&'a RawValue>,
    /// Its parameters, as JSON Schema.
    #[serde(borrow)]
    pub parameters: Option<&'a RawValue>,
    /// Whether calls must conform to the schema.
    pub strict: Option<bool>,
    /// The input format of a custom tool.
    #[serde(borrow)]
    pub format: Option<&'a RawValue>,
}

/// `tool_choice` as an object, in both of its forms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolChoice<'a> {
    /// `function`, `allowed_tools` or `custom`.
    #[serde(borrow, rename = "type", deserialize_with = "optional")]
    pub kind: Option<Cow<'a, str>>,
    /// The function to call.
    #[serde(borrow)]
    pub function: Option<Named<'a>>,
    /// The custom tool to call.
    #[serde(borrow)]
    pub custom: Option<Named<'a>>,
    /// The function to call, as the Responses API spells it; also used for `function_call`.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
    /// The subset of tools the model may call.
    #[serde(borrow)]
    pub allowed_tools: Option<AllowedTools<'a>>,
}

/// An object that holds a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named<'a> {
    /// The name.
    #[serde(borrow, deserialize_with = "optional")]
    pub name: Option<Cow<'a, str>>,
}

/// The subset of tools the model may call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AllowedTools<'a> {
    /// `auto` or `required`.
    #[serde(borrow, deserialize_with = "optional")]
    pub mode: Option<Cow<'a, str>>,
    /// The allowed tools.
    #[serde(borrow)]
    pub tools: Vec<ToolChoice<'a>>,
}
