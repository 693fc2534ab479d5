//! Settings of `[models]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
            ]
            .into(),
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
