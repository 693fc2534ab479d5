//! The body of `POST /v1/chat/completions`. Null means absent everywhere; unknown fields are passed over. What has several
//! shapes (content, stop, tool choice) stays raw until it is known which one it is.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use super::google::{ExtraBody, Google, GoogleThinking};

/// A chat request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    /// Which model.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// The conversation.
    #[serde(borrow)]
    pub messages: Option<Vec<Message<'a>>>,
    /// Whether the answer comes in pieces.
    pub stream: Option<bool>,
    /// How the pieces look.
    pub stream_options: Option<StreamOptions>,
    /// Most tokens of the answer, thoughts included.
    pub max_completion_tokens: Option<i64>,
    /// Its older name.
    pub max_tokens: Option<i64>,
    /// 0–2.
    pub temperature: Option<f64>,
    /// 0–1.
    pub top_p: Option<f64>,
    /// An extension many clients know.
    pub top_k: Option<i64>,
    /// How many answers.
    pub n: Option<i64>,
    /// A text, or up to four (Gemini takes five).
    #[serde(borrow)]
    pub stop: Option<&'a RawValue>,
    /// For repeatable answers.
    pub seed: Option<i64>,
    /// -2–2.
    pub frequency_penalty: Option<f64>,
    /// -2–2.
    pub presence_penalty: Option<f64>,
    /// Whether token probabilities come with the answer.
    pub logprobs: Option<bool>,
    /// How many alternatives of each token.
    pub top_logprobs: Option<i64>,
    /// Text, JSON, or JSON by a schema.
    #[serde(borrow)]
    pub response_format: Option<ResponseFormat<'a>>,
    /// What the model may call.
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
    /// Whether and what it must call: a word or an object.
    #[serde(borrow)]
    pub tool_choice: Option<&'a RawValue>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// Tools, as they were before `tools`.
    #[serde(borrow)]
    pub functions: Option<Vec<Function<'a>>>,
    /// Their `tool_choice`.
    #[serde(borrow)]
    pub function_call: Option<&'a RawValue>,
    /// How much to think: none, minimal, low, medium, high, xhigh, max.
    #[serde(borrow)]
    pub reasoning_effort: Option<Cow<'a, str>>,
    /// What the answer is made of.
    #[serde(borrow)]
    pub modalities: Option<Vec<Cow<'a, str>>>,
    /// `auto`, `default`, `flex`, `priority`, …
    #[serde(borrow)]
    pub service_tier: Option<Cow<'a, str>>,
    /// Present: the model may search the web.
    #[serde(borrow)]
    pub web_search_options: Option<&'a RawValue>,
    /// Google's extensions, as Google's own OpenAI endpoint takes them.
    #[serde(borrow)]
    pub extra_body: Option<ExtraBody<'a>>,
    /// The same without the wrapping.
    #[serde(borrow)]
    pub google: Option<Google<'a>>,
}

/// How a stream's pieces look.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    /// Whether usage comes with the last piece.
    pub include_usage: Option<bool>,
}

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    /// system, developer, user, assistant, tool, function.
    #[serde(borrow)]
    pub role: Option<Cow<'a, str>>,
    /// A text or a list of parts.
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    /// Of a function (role function).
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// What the assistant would not say.
    #[serde(borrow)]
    pub refusal: Option<&'a RawValue>,
    /// What the assistant called.
    #[serde(borrow)]
    pub tool_calls: Option<Vec<ToolCall<'a>>>,
    /// What the assistant called, as it was before `tool_calls`.
    #[serde(borrow)]
    pub function_call: Option<CalledFunction<'a>>,
    /// An answer that was spoken, by id.
    #[serde(borrow)]
    pub audio: Option<&'a RawValue>,
    /// Which call a tool message answers.
    #[serde(borrow)]
    pub tool_call_id: Option<Cow<'a, str>>,
    /// Google's extension: a signature on the message's text.
    #[serde(borrow)]
    pub extra_content: Option<ExtraContent<'a>>,
}

/// A call the assistant made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolCall<'a> {
    /// Names the call for its result.
    #[serde(borrow)]
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
    /// The function.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// JSON in a string.
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
}

/// A custom tool and its input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CalledCustom<'a> {
    /// The tool.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// Free text.
    #[serde(borrow)]
    pub input: Option<Cow<'a, str>>,
}

/// `extra_content.google.thought_signature`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExtraContent<'a> {
    /// Google's.
    #[serde(borrow)]
    pub google: Option<GoogleContent<'a>>,
}

/// What Google adds to a message or call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GoogleContent<'a> {
    /// To be sent back as it came.
    #[serde(borrow)]
    pub thought_signature: Option<Cow<'a, str>>,
}

impl<'a> ExtraContent<'a> {
    /// The signature, if there is one with anything in it.
    pub fn signature(&self) -> Option<&Cow<'a, str>> {
        self.google.as_ref()?.thought_signature.as_ref().filter(|signature| !signature.is_empty())
    }
}

/// One part of a message's content. `type` says which of the others is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part<'a> {
    /// text, image_url, input_audio, file, refusal, video_url, …
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// Words.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// What the assistant would not say.
    #[serde(borrow)]
    pub refusal: Option<&'a RawValue>,
    /// An image by URL; an object, or (as some clients send it) the URL alone.
    #[serde(borrow)]
    pub image_url: Option<&'a RawValue>,
    /// A video by URL (an extension).
    #[serde(borrow)]
    pub video_url: Option<&'a RawValue>,
    /// Sound.
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
    /// auto, low, high, original.
    #[serde(borrow)]
    pub detail: Option<Cow<'a, str>>,
}

/// Sound.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct InputAudio<'a> {
    /// Base64; a JSON string.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    /// wav, mp3, …
    #[serde(borrow)]
    pub format: Option<Cow<'a, str>>,
}

/// A file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    /// A data URL, or base64; a JSON string.
    #[serde(borrow)]
    pub file_data: Option<&'a RawValue>,
    /// A file at Google.
    #[serde(borrow)]
    pub file_id: Option<Cow<'a, str>>,
    /// Its name, whose ending tells the type.
    #[serde(borrow)]
    pub filename: Option<Cow<'a, str>>,
}

/// What the answer looks like.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResponseFormat<'a> {
    /// text, json_object, json_schema.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// For json_schema.
    #[serde(borrow)]
    pub json_schema: Option<NamedSchema<'a>>,
}

/// A schema with a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NamedSchema<'a> {
    /// JSON Schema.
    #[serde(borrow)]
    pub schema: Option<&'a RawValue>,
}

/// What the model may call. `type` says which of the others is there; Google's own tools stand under their own name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    /// function, custom, web_search, …
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// A function.
    #[serde(borrow)]
    pub function: Option<Function<'a>>,
    /// A tool that takes free text.
    #[serde(borrow)]
    pub custom: Option<Function<'a>>,
    /// Google's search.
    #[serde(borrow, alias = "googleSearch")]
    pub google_search: Option<&'a RawValue>,
    /// Google's Python.
    #[serde(borrow, alias = "codeExecution")]
    pub code_execution: Option<&'a RawValue>,
    /// Google's page reader.
    #[serde(borrow, alias = "urlContext")]
    pub url_context: Option<&'a RawValue>,
}

/// A function.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Function<'a> {
    /// Its name.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// What it is for.
    #[serde(borrow)]
    pub description: Option<&'a RawValue>,
    /// What it takes, as JSON Schema.
    #[serde(borrow)]
    pub parameters: Option<&'a RawValue>,
    /// Whether calls keep to the schema.
    pub strict: Option<bool>,
    /// Of a custom tool: the form of its text.
    #[serde(borrow)]
    pub format: Option<&'a RawValue>,
}

/// `tool_choice` as an object, in both of its spellings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolChoice<'a> {
    /// function, allowed_tools, custom.
    #[serde(borrow, rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// The one function.
    #[serde(borrow)]
    pub function: Option<Named<'a>>,
    /// The one custom tool.
    #[serde(borrow)]
    pub custom: Option<Named<'a>>,
    /// The one function, as the Responses API has it; `function_call` too.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    /// Some of the tools.
    #[serde(borrow)]
    pub allowed_tools: Option<AllowedTools<'a>>,
}

/// Something with a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named<'a> {
    /// The name.
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
}

/// Some of the tools.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AllowedTools<'a> {
    /// auto or required.
    #[serde(borrow)]
    pub mode: Option<Cow<'a, str>>,
    /// Which.
    #[serde(borrow)]
    pub tools: Vec<ToolChoice<'a>>,
}
