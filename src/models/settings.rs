//! Settings of `[models]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::prices::Price;
use crate::model::{Facts, Level, Thinking};

/// Model names, and the Gemini models they stand for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelsSettings {
    /// The pool for requests that no alias sends to another pool.
    #[serde(default = "default_pool")]
    pub pool: String,
    /// The model for unknown names. Left out: requests for them are rejected with 404 `model_not_found`. Names that
    /// begin with `gemini-` or `gemma-` are always passed to Google unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Names that clients use, and the model each stands for. `*` matches anything; an exact name takes precedence over
    /// a glob, and a longer glob over a shorter one.
    #[serde(default)]
    pub aliases: BTreeMap<String, AliasSettings>,
    /// What models can do, where the built-in table of families is wrong or incomplete. The keys are Google's names;
    /// `*` matches anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, FactsSettings>,
    /// What models cost, where the built-in table is wrong or incomplete. The keys are Google's names; `*` matches
    /// anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Price>,
}

/// What a family of models can do. Fields left out are taken from the built-in table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FactsSettings {
    /// A Google model name: fields left out are taken from that model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// How much thinking is set: `"none"`, `{ budget = { min = 128, max = 32768, off = false } }` or `{ level = {
    /// lowest = "low" } }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingSettings>,
    /// Whether function calls must carry a thought signature when they are sent back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<bool>,
    /// Whether tools may be combined with a JSON response type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_with_json: Option<bool>,
    /// Whether Google's tools may be combined with the client's functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_together: Option<bool>,
    /// Whether schemas may be JSON Schema; otherwise they use Gemini's own dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<bool>,
    /// Whether a conversation may end with the model's own turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill: Option<bool>,
    /// Whether the model accepts a system instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_instruction: Option<bool>,
    /// Whether images may be part of a function's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_in_results: Option<bool>,
    /// Whether the model accepts frequency and presence penalties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalties: Option<bool>,
    /// How many answers one call may request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<u32>,
    /// Whether the model returns token probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// Whether the model generates images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<bool>,
    /// Maximum number of tokens in an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
}

/// How the amount of thinking is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ThinkingSettings {
    /// Not at all: the model does not think.
    None,
    /// By a budget in tokens.
    Budget {
        /// Smallest budget the model accepts, not counting 0.
        min: u32,
        /// Largest budget the model accepts.
        max: u32,
        /// Whether 0 disables thinking.
        #[serde(default)]
        off: bool,
    },
    /// By level.
    Level {
        /// The lowest level the model accepts.
        lowest: LevelSettings,
        /// Whether the model accepts `medium`.
        #[serde(default = "yes")]
        medium: bool,
    },
}

/// A thinking level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LevelSettings {
    /// As little as possible.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

fn yes() -> bool {
    true
}

impl FactsSettings {
    /// These facts, with fields left out taken from `known`.
    pub fn over(&self, known: Facts) -> Facts {
        Facts {
            thinking: self.thinking.map_or(known.thinking, Into::into),
            signatures: self.signatures.unwrap_or(known.signatures),
            tools_with_json: self.tools_with_json.unwrap_or(known.tools_with_json),
            tools_together: self.tools_together.unwrap_or(known.tools_together),
            json_schema: self.json_schema.unwrap_or(known.json_schema),
            prefill: self.prefill.unwrap_or(known.prefill),
            system_instruction: self.system_instruction.unwrap_or(known.system_instruction),
            media_in_results: self.media_in_results.unwrap_or(known.media_in_results),
            penalties: self.penalties.unwrap_or(known.penalties),
            candidates: self.candidates.unwrap_or(known.candidates),
            logprobs: self.logprobs.unwrap_or(known.logprobs),
            images: self.images.unwrap_or(known.images),
            gives: known.gives,
            output_tokens: self.output_tokens.unwrap_or(known.output_tokens),
        }
    }
}

impl From<ThinkingSettings> for Thinking {
    fn from(settings: ThinkingSettings) -> Self {
        match settings {
            ThinkingSettings::None => Self::None,
            ThinkingSettings::Budget { min, max, off } => Self::Budget { min: min.min(max), max, off },
            ThinkingSettings::Level { lowest, medium } => {
                let lowest = match lowest {
                    LevelSettings::Minimal => Level::Minimal,
                    LevelSettings::Low => Level::Low,
                    LevelSettings::Medium => Level::Medium,
                    LevelSettings::High => Level::High,
                };
                Self::Level { lowest, medium }
            }
        }
    }
}

// Defaults are per field, not for the whole: a `[models]` section without `default` or `aliases` means none, not the
// built-in ones.
fn default_pool() -> String {
    "default".to_owned()
}

/// The target of an alias: a model's name, or a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AliasSettings {
    /// The Gemini model.
    pub model: String,
    /// The pool that serves it, if not `models.pool`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Models to try, in order, when the model is overloaded or all keys are cooling down for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<String>,
}

impl Default for ModelsSettings {
    fn default() -> Self {
        let alias = |name: &str, model: &str| (name.to_owned(), AliasSettings::to(model));
        Self {
            pool: "default".into(),
            default: Some("gemini-flash-latest".into()),
            aliases: [
                alias("gpt-4o", "gemini-pro-latest"),
                (
                    "gpt-4o-mini".to_owned(),
                    AliasSettings {
                        pool: Some("default".into()),
                        fallback: vec!["gemini-flash-lite-latest".into()],
                        ..AliasSettings::to("gemini-flash-latest")
                    },
                ),
                alias("gpt-*", "gemini-flash-latest"),
                alias("gpt-*-tts*", "gemini-3.8-flash-tts"),
                alias("tts-*", "gemini-3.8-flash-tts"),
                alias("gpt-image-*", "gemini-3.1-flash-image"),
                alias("dall-e-*", "gemini-3.1-flash-image"),
                alias("text-embedding-*", "gemini-embedding-001"),
            ]
            .into(),
            facts: BTreeMap::new(),
            prices: BTreeMap::new(),
        }
    }
}

impl AliasSettings {
    /// An alias to a model, without pool or fallbacks.
    pub fn to(model: &str) -> Self {
        Self { model: model.to_owned(), pool: None, fallback: Vec::new() }
    }
}

/// The table form of an alias.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AliasTable {
    /// The Gemini model.
    model: String,
    /// The pool that serves it, if not `models.pool`.
    #[serde(default)]
    pool: Option<String>,
    /// Models to try, in order, when the model is overloaded or all keys are cooling down for it.
    #[serde(default)]
    fallback: Vec<String>,
}

/// Implemented by hand because serde's untagged enums lose the location and the cause of an error.
impl<'de> Deserialize<'de> for AliasSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = AliasSettings;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a model's name or a table with `model`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AliasSettings, E> {
                Ok(AliasSettings::to(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AliasSettings, A::Error> {
                let AliasTable { model, pool, fallback } = AliasTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(AliasSettings { model, pool, fallback })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for AliasSettings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Alias".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<AliasTable>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, table] })
    }
}
