//! `GenerateContentResponse`: a whole answer, or one event of a stream. Every field may be absent; unknown fields are
//! ignored. Texts, arguments and signatures are kept in their original JSON encoding.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::json::{self, optional};

/// A whole answer, or one event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Response<'a> {
    /// The answers; absent when the prompt was blocked.
    #[serde(borrow)]
    pub candidates: Vec<Candidate<'a>>,
    /// Why the prompt was blocked.
    #[serde(borrow)]
    pub prompt_feedback: Option<PromptFeedback<'a>>,
    /// Token counts so far, a [`Usage`]. Raw because every event of a stream has them and the last ones are final.
    #[serde(borrow)]
    pub usage_metadata: Option<&'a RawValue>,
}

/// One answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Candidate<'a> {
    /// The answer's index; absent means 0.
    pub index: u32,
    /// The generated content; may be absent, or have no parts.
    #[serde(borrow)]
    pub content: Option<Content<'a>>,
    /// Why the answer ended. A stream may report it more than once; the last report counts.
    #[serde(borrow, deserialize_with = "optional")]
    pub finish_reason: Option<Cow<'a, str>>,
    /// A message that explains the finish reason.
    #[serde(borrow, deserialize_with = "optional")]
    pub finish_message: Option<Cow<'a, str>>,
    /// Token probabilities.
    #[serde(borrow)]
    pub logprobs_result: Option<&'a RawValue>,
    /// The web pages the answer is based on.
    #[serde(borrow)]
    pub grounding_metadata: Option<&'a RawValue>,
    /// The works the answer quotes.
    #[serde(borrow)]
    pub citation_metadata: Option<&'a RawValue>,
}

/// The generated content.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Content<'a> {
    /// The parts, in order.
    #[serde(borrow)]
    pub parts: Vec<Part<'a>>,
}

/// One part of the content: one of the optional fields, and possibly a signature.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Part<'a> {
    /// Text, as a JSON string.
    #[serde(borrow)]
    pub text: Option<&'a RawValue>,
    /// Whether the text is a thought summary.
    pub thought: bool,
    /// A call to one of the client's functions.
    #[serde(borrow)]
    pub function_call: Option<FunctionCall<'a>>,
    /// An image or audio.
    #[serde(borrow)]
    pub inline_data: Option<Blob<'a>>,
    /// A file stored at Google.
    #[serde(borrow)]
    pub file_data: Option<FileData<'a>>,
    /// Code that the model ran.
    #[serde(borrow)]
    pub executable_code: Option<ExecutableCode<'a>>,
    /// The output of that code.
    #[serde(borrow)]
    pub code_execution_result: Option<CodeResult<'a>>,
    /// Opaque state of the model's reasoning, to be sent back on exactly this part; a JSON string.
    #[serde(borrow)]
    pub thought_signature: Option<&'a RawValue>,
}

/// A call to one of the client's functions. It always arrives complete.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FunctionCall<'a> {
    /// Gemini 3 has sent an id since 2026; older models send none.
    #[serde(borrow, deserialize_with = "optional")]
    pub id: Option<Cow<'a, str>>,
    /// The function's name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The arguments: an object; absent means `{}`.
    #[serde(borrow)]
    pub args: Option<&'a RawValue>,
}

/// A file's bytes, inlined in the document.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Blob<'a> {
    /// Such as `image/png` or `audio/L16;codec=pcm;rate=24000`.
    #[serde(borrow)]
    pub mime_type: Cow<'a, str>,
    /// Base64.
    #[serde(borrow)]
    pub data: Cow<'a, str>,
}

/// A file stored at Google.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileData<'a> {
    /// The URI.
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

/// The output of that code.
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
    #[serde(borrow, deserialize_with = "optional")]
    pub block_reason: Option<Cow<'a, str>>,
    /// A message that explains it.
    #[serde(borrow, deserialize_with = "optional")]
    pub block_reason_message: Option<Cow<'a, str>>,
}

/// Token counts. `total = prompt + candidates + thoughts + tool use`; cached tokens are part of the prompt's.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage<'a> {
    /// Tokens in the prompt.
    pub prompt_token_count: u64,
    /// Tokens in the answer, thoughts excluded.
    pub candidates_token_count: u64,
    /// Tokens in the thoughts.
    pub thoughts_token_count: u64,
    /// Tokens that built-in tools added to the prompt.
    pub tool_use_prompt_token_count: u64,
    /// Tokens of the prompt that came from a cache.
    pub cached_content_token_count: u64,
    /// Prompt tokens by modality: [`ModalityCount`]s, raw because every event carries them and few callers need them.
    #[serde(borrow)]
    pub prompt_tokens_details: Option<&'a RawValue>,
    /// Answer tokens by modality, raw for the same reason.
    #[serde(borrow)]
    pub candidates_tokens_details: Option<&'a RawValue>,
    /// `standard`, `flex`, `priority`.
    #[serde(borrow, deserialize_with = "optional")]
    pub service_tier: Option<Cow<'a, str>>,
}

impl Usage<'_> {
    /// Parses token counts by modality; empty when they cannot be read.
    pub fn by_kind(details: Option<&RawValue>) -> Vec<ModalityCount<'_>> {
        details.and_then(|raw| json::read(raw.get()).ok()).unwrap_or_default()
    }
}

/// Token count of one modality.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModalityCount<'a> {
    /// `TEXT`, `IMAGE`, `AUDIO`, `VIDEO`, `DOCUMENT`.
    #[serde(borrow)]
    pub modality: Cow<'a, str>,
    /// The number of tokens.
    pub token_count: u64,
}
