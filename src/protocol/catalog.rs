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
    let model = json!({ "id": card.id, "object": "model", "created": CREATED, "owned_by": card.owned_by });
    let limits = [
        ("context_length", card.input_tokens),
        ("context_window", card.input_tokens),
        ("max_output_tokens", card.output_tokens),
    ];
    with(model, limits.into_iter().filter_map(|(name, limit)| Some((name, json!(limit?)))))
}

/// A document with these members too.
fn with<'a>(mut document: Value, members: impl Iterator<Item = (&'a str, Value)>) -> Value {
    if let Some(own) = document.as_object_mut() {
        own.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
    document
}

/// All of them, as OpenAI lists them.
pub fn openai_list(models: Vec<Value>) -> Value {
    json!({ "object": "list", "data": models })
}

/// As Anthropic lists it.
pub fn anthropic(card: &Card) -> Value {
    let supported = |supported: bool| json!({ "supported": supported });
    let model = json!({ "type": "model", "id": card.id, "display_name": card.id, "created_at": CREATED_AT });
    let capabilities = card.facts.as_ref().map(|facts| {
        json!({
            "image_input": supported(true),
            "pdf_input": supported(true),
            "structured_outputs": supported(true),
            "thinking": supported(facts.thinking != Thinking::None),
            "effort": supported(facts.thinking != Thinking::None),
            "batch": supported(false),
            "citations": supported(false),
        })
    });
    let limit = |limit: Option<u64>| limit.map(Value::from);
    let members = [
        ("capabilities", capabilities),
        ("max_input_tokens", limit(card.input_tokens)),
        ("max_tokens", limit(card.output_tokens)),
    ];
    with(model, members.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

/// All of them, as Anthropic lists them: one page.
pub fn anthropic_list(models: Vec<Value>) -> Value {
    let end = |model: Option<&Value>| model.map(|model| model["id"].clone());
    let (first, last) = (end(models.first()), end(models.last()));
    json!({ "data": models, "first_id": first, "last_id": last, "has_more": false })
}
