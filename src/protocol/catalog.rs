//! Models as each vendor's clients want them listed: what a client can read of a model's limits and abilities is told.

use serde_json::{Value, json};

use crate::model::{Facts, Thinking};

/// OpenAI wants a time of creation, and Anthropic too; Google tells none, so all models have the same.
const CREATED: i64 = 1_687_882_411;
/// The same, as Anthropic writes it.
const CREATED_AT: &str = "2023-06-27T16:13:31Z";

/// A model in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// What clients call it.
    pub id: String,
    /// Whose word it is.
    pub owned_by: &'static str,
    /// Largest prompt, in tokens.
    pub input_tokens: Option<u64>,
    /// Largest answer, in tokens.
    pub output_tokens: Option<u64>,
    /// What it can do.
    pub facts: Option<Facts>,
}

/// As OpenAI lists it, and the names other vendors' clients have for limits.
pub fn openai(card: &Card) -> Value {
    let mut model = json!({ "id": card.id, "object": "model", "created": CREATED, "owned_by": card.owned_by });
    for (name, limit) in [
        ("context_length", card.input_tokens),
        ("context_window", card.input_tokens),
        ("max_output_tokens", card.output_tokens),
    ] {
        if let Some(limit) = limit {
            model[name] = json!(limit);
        }
    }
    model
}

/// All of them, as OpenAI lists them.
pub fn openai_list(models: Vec<Value>) -> Value {
    json!({ "object": "list", "data": models })
}

/// As Anthropic lists it.
pub fn anthropic(card: &Card) -> Value {
    let supported = |supported: bool| json!({ "supported": supported });
    let mut model = json!({ "type": "model", "id": card.id, "display_name": card.id, "created_at": CREATED_AT });
    if let Some(facts) = &card.facts {
        model["capabilities"] = json!({
            "image_input": supported(true),
            "pdf_input": supported(true),
            "structured_outputs": supported(true),
            "thinking": supported(facts.thinking != Thinking::None),
            "effort": supported(facts.thinking != Thinking::None),
            "batch": supported(false),
            "citations": supported(false),
        });
    }
    for (name, limit) in [("max_input_tokens", card.input_tokens), ("max_tokens", card.output_tokens)] {
        if let Some(limit) = limit {
            model[name] = json!(limit);
        }
    }
    model
}

/// All of them, as Anthropic lists them: one page.
pub fn anthropic_list(models: Vec<Value>) -> Value {
    let end = |model: Option<&Value>| model.map(|model| model["id"].clone());
    let (first, last) = (end(models.first()), end(models.last()));
    json!({ "data": models, "first_id": first, "last_id": last, "has_more": false })
}
