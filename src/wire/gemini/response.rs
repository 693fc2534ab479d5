//! `GenerateContentResponse`: a whole answer, or one event of a stream. Everything may be absent; unknown fields are passed
//! over. Texts, arguments and signatures stay as they came.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A whole answer, or one event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Response<'a> {
    /// Answers; absent when the prompt was blocked.
    #[serde(borrow)]
    pub candidates: Vec<Candidate<'a>>,
    /// Why the prompt was blocked.
    #[serde(borrow)]
    pub prompt_feedback: Option<PromptFeedback<'a>>,
    /// Tokens so far; in a stream the last one is the bill.
    #[serde(borrow)]
    pub usage_metadata: Option<Usage<'a>>,
}

/// One answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Candidate<'a> {
    /// Absent means 0.
    pub index: u32,
    /// What was said; may be absent, or without parts.
    #[serde(borrow)]
    pub content: Option<Content<'a>>,
    /// Why it ended. In a stream it may come more than once; the last one counts.
    #[serde(borrow)]
    pub finish_reason: Option<Cow<'a, str>>,
    /// Words about the end.
    #[serde(borrow)]
    pub finish_message: Option<Cow<'a, str>>,
    /// Token probabilities.
    #[serde(borrow)]
    pub logprobs_result: Option<&'a RawValue>,
    /// Pages that words are from.
    #[serde(borrow)]
    pub grounding_metadata: Option<&'a RawValue>,
    /// Works that words are from.
    #[serde(borrow)]
    pub citation_metadata: Option<&'a RawValue>,
}

/// What was said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Content<'a> {
    /// In order.
    #[serde(borrow)]
    pub parts: Vec<Part<'a>>,
}

/// A piece of what was said: one of the optional fields, and perhaps a signature.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Part<'a> {
    /// Text, as a JSON string.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// Whether the text is a summary of thoughts.
    pub thought: bool,
    /// A call of a client's function.
    #[serde(borrow)]
    pub function_call: Option<FunctionCall<'a>>,
    /// An image, or sound.
    #[serde(borrow)]
    pub inline_data: Option<Blob<'a>>,
    /// A file at Google.
    #[serde(borrow)]
    pub file_data: Option<FileData<'a>>,
    /// Code that the model ran.
    #[serde(borrow)]
    pub executable_code: Option<ExecutableCode<'a>>,
    /// What that code printed.
    #[serde(borrow)]
    pub code_execution_result: Option<CodeResult<'a>>,
    /// Opaque state of the model's thinking, to be sent back with this very part; a JSON string.
    #[serde(borrow)]
    pub thought_signature: Option<&'a RawValue>,
}

/// A call of a client's function. Always whole.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FunctionCall<'a> {
    /// Gemini 3 gives one since 2026, older models none.
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    /// The function.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// An object; absent means `{}`.
    #[serde(borrow)]
    pub args: Option<&'a RawValue>,
}

/// Bytes inside the document.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Blob<'a> {
    /// `image/png`, `audio/L16;codec=pcm;rate=24000`.
    #[serde(borrow)]
    pub mime_type: Cow<'a, str>,
    /// Base64.
    #[serde(borrow)]
    pub data: Cow<'a, str>,
}

/// A file at Google.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileData<'a> {
    /// Where.
    #[serde(borrow)]
    pub file_uri: Cow<'a, str>,
}

/// Code that the model ran.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExecutableCode<'a> {
    /// `PYTHON`.
    #[serde(borrow)]
    pub language: Cow<'a, str>,
    /// The code.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
}

/// What that code printed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CodeResult<'a> {
    /// Standard output, or the error.
    #[serde(borrow)]
    pub output: Cow<'a, str>,
}

/// Why the prompt was blocked.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PromptFeedback<'a> {
    /// `SAFETY`, `PROHIBITED_CONTENT`, …
    #[serde(borrow)]
    pub block_reason: Option<Cow<'a, str>>,
    /// Words about it.
    #[serde(borrow)]
    pub block_reason_message: Option<Cow<'a, str>>,
}

/// Tokens. `total = prompt + candidates + thoughts + tool use`; cached ones are part of the prompt's.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage<'a> {
    /// Of the prompt.
    pub prompt_token_count: u64,
    /// Of the answer, thoughts not among them.
    pub candidates_token_count: u64,
    /// Of the thoughts.
    pub thoughts_token_count: u64,
    /// Of what built-in tools brought in.
    pub tool_use_prompt_token_count: u64,
    /// Of the prompt, from a cache.
    pub cached_content_token_count: u64,
    /// Of the prompt, by kind: [`ModalityCount`]s, raw because they come with every event and few want them.
    #[serde(borrow)]
    pub prompt_tokens_details: Option<&'a RawValue>,
    /// Of the answer, by kind, likewise.
    #[serde(borrow)]
    pub candidates_tokens_details: Option<&'a RawValue>,
    /// `standard`, `flex`, `priority`.
    #[serde(borrow)]
    pub service_tier: Option<Cow<'a, str>>,
}

impl Usage<'_> {
    /// Tokens of each kind; none where they cannot be read.
    pub fn by_kind(details: Option<&RawValue>) -> Vec<ModalityCount<'_>> {
        details.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}

/// Tokens of one kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModalityCount<'a> {
    /// `TEXT`, `IMAGE`, `AUDIO`, `VIDEO`, `DOCUMENT`.
    #[serde(borrow)]
    pub modality: Cow<'a, str>,
    /// How many.
    pub token_count: u64,
}
