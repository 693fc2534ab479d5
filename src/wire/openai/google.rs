//! Google's extensions of the chat request, in the form Google's own OpenAI endpoint accepts
//! (ai.google.dev/gemini-api/docs/openai, November 2026).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::json::optional;

use super::chat::Tool;

/// Google's extensions, in the wrapper that Google's own OpenAI endpoint uses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExtraBody<'a> {
    /// The extensions.
    #[serde(borrow)]
    pub google: Option<Google<'a>>,
}

/// Google's extensions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Google<'a> {
    /// The cached content to use: `cachedContents/ID`.
    #[serde(borrow, deserialize_with = "optional")]
    pub cached_content: Option<Cow<'a, str>>,
    /// Thinking settings in Gemini's own terms.
    #[serde(borrow)]
    pub thinking_config: Option<GoogleThinking<'a>>,
    /// Safety settings in Gemini's own terms.
    #[serde(borrow)]
    pub safety_settings: Option<&'a RawValue>,
    /// Members of Gemini's `generationConfig`, which override the other fields.
    #[serde(borrow)]
    pub generation_config: Option<&'a RawValue>,
    /// Additional tools, including Gemini's own.
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
}

/// Thinking settings in Gemini's own terms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GoogleThinking<'a> {
    /// The budget in tokens.
    #[serde(alias = "thinkingBudget")]
    pub thinking_budget: Option<i64>,
    /// The thinking level.
    #[serde(borrow, alias = "thinkingLevel", deserialize_with = "optional")]
    pub thinking_level: Option<Cow<'a, str>>,
    /// Whether to return thought summaries with the answer.
    #[serde(alias = "includeThoughts")]
    pub include_thoughts: Option<bool>,
}
