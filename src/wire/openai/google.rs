//! Google's extensions of the chat request, as its own OpenAI endpoint takes them (ai.google.dev/gemini-api/docs/openai,
//! November 2026).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::chat::Tool;

/// Google's extensions, wrapped as Google's own OpenAI endpoint wants them.
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
    /// `cachedContents/ID`.
    #[serde(borrow)]
    pub cached_content: Option<Cow<'a, str>>,
    /// How much to think, in Gemini's own terms.
    #[serde(borrow)]
    pub thinking_config: Option<GoogleThinking<'a>>,
    /// What is blocked, in Gemini's own terms.
    #[serde(borrow)]
    pub safety_settings: Option<&'a RawValue>,
    /// Members of Gemini's `generationConfig`, over what the other fields say.
    #[serde(borrow)]
    pub generation_config: Option<&'a RawValue>,
    /// Gemini's own tools.
    #[serde(borrow)]
    pub tools: Option<Vec<Tool<'a>>>,
}

/// How much to think, in Gemini's own terms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GoogleThinking<'a> {
    /// In tokens.
    #[serde(alias = "thinkingBudget")]
    pub thinking_budget: Option<i64>,
    /// By level.
    #[serde(borrow, alias = "thinkingLevel")]
    pub thinking_level: Option<Cow<'a, str>>,
    /// Whether summaries come with the answer.
    #[serde(alias = "includeThoughts")]
    pub include_thoughts: Option<bool>,
}
