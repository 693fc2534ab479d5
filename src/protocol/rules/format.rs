//! The format of an answer (free, JSON, or JSON by a schema), expressed in the generation config or in words.

use serde_json::value::RawValue;

use super::conversation::History;
use super::json_schema;
use crate::protocol::{Notes, Target};
use crate::wire::gemini::request::{GenerationConfig, Part};

/// The requested format of the answer.
#[derive(Debug)]
pub enum Format<'a> {
    /// The model decides.
    Free,
    /// Any JSON.
    Json,
    /// JSON that conforms to this schema, which is in this field of the request.
    Schema(&'a RawValue, &'static str),
}

impl<'a> Format<'a> {
    /// Applies the format where this model accepts it: in the config, or in words if there are tools and the model
    /// accepts no JSON type together with them. `field` is the field in which the client requests the format.
    pub fn settle(
        self,
        with_tools: bool,
        field: &str,
        config: &mut GenerationConfig<'a>,
        history: &mut History<'a>,
        target: &Target<'_>,
    ) {
        if !with_tools || target.model.facts.tools_with_json {
            return self.into_config(config, target);
        }
        if let Some(words) = self.in_words() {
            let why = "this model cannot combine JSON output with tools: requested by instruction";
            target.notes.emulated(field, why);
            history.system.push(Part::text(words));
        }
    }

    /// Writes the format to the generation config.
    fn into_config(self, config: &mut GenerationConfig<'a>, target: &Target<'_>) {
        let takes_json_schema = target.model.facts.json_schema;
        match self {
            Self::Free => {}
            Self::Json => config.response_mime_type = Some("application/json"),
            Self::Schema(raw, field) => {
                config.response_mime_type = Some("application/json");
                let schema = Some(json_schema::compile(raw, takes_json_schema, &field, target.notes));
                let door =
                    if takes_json_schema { &mut config.response_json_schema } else { &mut config.response_schema };
                *door = schema;
            }
        }
    }

    /// Returns the format as a system instruction, for models that reject a JSON type together with tools.
    fn in_words(&self) -> Option<String> {
        match self {
            Self::Free => None,
            Self::Json => Some("Answer only with JSON, without code fences, unless you call a function.".to_owned()),
            Self::Schema(schema, _) => Some(format!(
                "Unless you call a function, answer only with JSON, without code fences, that matches this JSON Schema:\n{}",
                json_schema::compile(schema, true, &"", &Notes::off()).get()
            )),
        }
    }
}
