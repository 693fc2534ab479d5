//! Settings of `[models]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::prices::Price;
use crate::model::{Facts, Level, Thinking};

/// Which Gemini model answers to which name.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelsSettings {
    /// The pool that serves what no alias sends elsewhere.
    #[serde(default = "default_pool")]
    pub pool: String,
    /// The model for names nobody knows. Left out: they are a 404 `model_not_found`. Names that begin with `gemini-` or
    /// `gemma-` always go to Google as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Names clients use, and the model that answers. `*` stands for anything; an exact name beats a glob, a longer glob
    /// a shorter one.
    #[serde(default)]
    pub aliases: BTreeMap<String, AliasSettings>,
    /// What models can do, where the built-in table of families is wrong or silent: by Google's name, `*` stands for anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, FactsSettings>,
    /// What models cost, where the built-in table is wrong or silent: by Google's name, `*` stands for anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Price>,
}

/// What a family of models can do. What is left out is as the built-in table has it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FactsSettings {
    /// The model it is like in all that is left out: a name of Google's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// How it is told to think: `"none"`, `{ budget = { min = 128, max = 32768, off = false } }` or
    /// `{ level = { lowest = "low" } }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingSettings>,
    /// Whether function calls must bear a thought signature when they are sent back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<bool>,
    /// Whether tools may go together with a JSON response type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_with_json: Option<bool>,
    /// Whether Google's tools may go together with the client's functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_together: Option<bool>,
    /// Whether schemas may be JSON Schema; else they are in Gemini's own dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<bool>,
    /// Whether a conversation may end with the model's own turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill: Option<bool>,
    /// Whether it takes a system instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_instruction: Option<bool>,
    /// Whether images may be part of a function's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_in_results: Option<bool>,
    /// Whether it takes frequency and presence penalties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalties: Option<bool>,
    /// How many answers one call may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<u32>,
    /// Whether it gives token probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// Whether it draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<bool>,
    /// Most tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
}

/// How a model is told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ThinkingSettings {
    /// It does not think.
    None,
    /// By a budget in tokens.
    Budget {
        /// Smallest budget it takes, not counting 0.
        min: u32,
        /// Largest budget it takes.
        max: u32,
        /// Whether 0 switches thinking off.
        #[serde(default)]
        off: bool,
    },
    /// By level.
    Level {
        /// The lowest level it takes.
        lowest: LevelSettings,
        /// Whether `medium` is a level.
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
    /// These, over what is known.
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

// Field by field, not the whole: a `[models]` without `default` or aliases means none, not the built-in ones.
fn default_pool() -> String {
    "default".to_owned()
}

/// What an alias leads to: a model's name, or a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AliasSettings {
    /// The Gemini model.
    pub model: String,
    /// The pool that serves it, where it is not `models.pool`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Models to try, in order, when the model is overloaded or every key rests for it.
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
    /// An alias to a model, with nothing further.
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
    /// The pool that serves it, where it is not `models.pool`.
    #[serde(default)]
    pool: Option<String>,
    /// Models to try, in order, when the model is overloaded or every key rests for it.
    #[serde(default)]
    fallback: Vec<String>,
}

/// Written by hand: serde's untagged enums lose the place and the reason of a mistake.
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
