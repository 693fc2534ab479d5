//! `GenerationConfig`: how the model generates an answer.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::wire::json::Json;

/// The generation settings.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationConfig<'a> {
    /// Strings that end the answer; at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<Cow<'a, str>>,
    /// `application/json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_mime_type: Option<&'static str>,
    /// The schema of the JSON answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_json_schema: Option<Json<'a>>,
    /// The schema of the JSON answer in Gemini's own dialect, for models that do not accept JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<Json<'a>>,
    /// `TEXT`, `IMAGE`, `AUDIO`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_modalities: Vec<&'static str>,
    /// The number of answers to generate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_count: Option<u32>,
    /// The token limit, thoughts included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Range 0–2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Range 0–1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// At least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// A 31-bit seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i32>,
    /// Range -2–2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Range -2–2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Whether to return token probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_logprobs: Option<bool>,
    /// The number of alternatives to return for each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// The thinking settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_config: Option<ThinkingConfig<'a>>,
    /// The image settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_config: Option<ImageConfig>,
    /// The voice settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_config: Option<SpeechConfig<'a>>,
}

impl GenerationConfig<'_> {
    /// Whether no setting is present.
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

/// The image settings.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageConfig {
    /// Such as `16:9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<String>,
    /// `512`, `2K` or `4K`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<&'static str>,
}

impl ImageConfig {
    /// Whether no setting is present.
    pub fn is_empty(&self) -> bool {
        self.aspect_ratio.is_none() && self.image_size.is_none()
    }
}

/// The voice settings.
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
    /// One of Google's prebuilt voices.
    pub prebuilt_voice_config: PrebuiltVoiceConfig<'a>,
}

/// One of Google's prebuilt voices.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrebuiltVoiceConfig<'a> {
    /// The voice's name.
    pub voice_name: Cow<'a, str>,
}

/// A generation config: as this server builds it, or with the client's own members merged over it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Generation<'a> {
    /// As this server builds it.
    Written(Box<GenerationConfig<'a>>),
    /// With the client's own members merged in.
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
    /// Whether no setting is present.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Written(config) => config.is_empty(),
            Self::Merged(members) => members.is_empty(),
        }
    }
}

/// The thinking settings: by budget or by level, never both.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThinkingConfig<'a> {
    /// The budget in tokens; -1 lets the model decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_budget: Option<i64>,
    /// `MINIMAL`, `LOW`, `MEDIUM`, `HIGH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<Cow<'a, str>>,
    /// Whether to return summaries of the thoughts with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_thoughts: Option<bool>,
}
