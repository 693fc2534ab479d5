//! `GenerationConfig`: how an answer is made.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::wire::json::Json;

/// How the answer is made.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationConfig<'a> {
    /// Texts that end the answer; at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<Cow<'a, str>>,
    /// `application/json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_mime_type: Option<&'static str>,
    /// What the JSON looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_json_schema: Option<Json<'a>>,
    /// What the JSON looks like, in Gemini's own dialect: for models that take no JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<Json<'a>>,
    /// `TEXT`, `IMAGE`, `AUDIO`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_modalities: Vec<&'static str>,
    /// How many answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_count: Option<u32>,
    /// Thoughts included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// 0–2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// 0–1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// 31 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i32>,
    /// -2–2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// -2–2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Whether token probabilities come with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_logprobs: Option<bool>,
    /// How many alternatives of each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// How much to think.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_config: Option<ThinkingConfig<'a>>,
    /// How pictures look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_config: Option<ImageConfig>,
    /// Whose voice speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_config: Option<SpeechConfig<'a>>,
}

impl GenerationConfig<'_> {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.stop_sequences.is_empty()
            && self.response_mime_type.is_none()
            && self.response_json_schema.is_none()
            && self.response_schema.is_none()
            && self.response_modalities.is_empty()
            && self.candidate_count.is_none()
            && self.max_output_tokens.is_none()
            && self.temperature.is_none()
            && self.top_p.is_none()
            && self.top_k.is_none()
            && self.seed.is_none()
            && self.presence_penalty.is_none()
            && self.frequency_penalty.is_none()
            && self.response_logprobs.is_none()
            && self.logprobs.is_none()
            && self.thinking_config.is_none()
            && self.image_config.is_none()
            && self.speech_config.is_none()
    }
}

/// How pictures look.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageConfig {
    /// `16:9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<String>,
    /// `512`, `2K`, `4K`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<&'static str>,
}

impl ImageConfig {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.aspect_ratio.is_none() && self.image_size.is_none()
    }
}

/// Whose voice speaks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpeechConfig<'a> {
    /// The voice.
    pub voice_config: VoiceConfig<'a>,
}

/// A voice.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceConfig<'a> {
    /// One of Google's own.
    pub prebuilt_voice_config: PrebuiltVoiceConfig<'a>,
}

/// One of Google's own voices.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrebuiltVoiceConfig<'a> {
    /// Its name.
    pub voice_name: Cow<'a, str>,
}

/// A generation config: as we write it, or with members of the client's own writing over it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Generation<'a> {
    /// As we write it.
    Written(Box<GenerationConfig<'a>>),
    /// With the client's own members.
    Merged(Map<String, Value>),
}

impl<'a> From<GenerationConfig<'a>> for Generation<'a> {
    fn from(config: GenerationConfig<'a>) -> Self {
        Self::Written(Box::new(config))
    }
}

impl Default for Generation<'_> {
    fn default() -> Self {
        Self::Written(Box::default())
    }
}

impl Generation<'_> {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Written(config) => config.is_empty(),
            Self::Merged(members) => members.is_empty(),
        }
    }
}

/// How much to think: by budget or by level, never both.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThinkingConfig<'a> {
    /// In tokens; -1 leaves it to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_budget: Option<i64>,
    /// `MINIMAL`, `LOW`, `MEDIUM`, `HIGH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<Cow<'a, str>>,
    /// Whether summaries of the thoughts come with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_thoughts: Option<bool>,
}
