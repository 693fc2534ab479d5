//! Model lists in the format of each vendor, with the limits and capabilities that its clients understand.

use serde_json::{Value, json};

use crate::model::{Facts, Thinking};

/// The creation time of every model. OpenAI and Anthropic require one, but Google does not report it.
const CREATED: i64 = 1_687_882_411;
/// The same time in Anthropic's format.
const CREATED_AT: &str = "2023-06-27T16:13:31Z";

/// A model in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// The name under which clients request it.
    pub id: String,
    /// The owner shown to clients.
    pub owned_by: &'static str,
    /// Largest prompt, in tokens.
    pub input_tokens: Option<u64>,
    /// Largest answer, in tokens.
    pub output_tokens: Option<u64>,
    /// Its capabilities, where known.
    pub facts: Option<Facts>,
}

/// Returns a model in OpenAI's format, with its limits under the names that other vendors' clients use.
pub fn openai(card: &Card) -> Value {
    let model = json!({ "id": card.id, "object": "model", "created": CREATED, "owned_by": card.owned_by });
    let limits = [
        ("context_length", card.input_tokens),
        ("context_window", card.input_tokens),
        ("max_output_tokens", card.output_tokens),
    ];
    with(model, limits.into_iter().filter_map(|(name, limit)| Some((name, json!(limit?)))))
}

/// Adds members to a document.
fn with<'a>(mut document: Value, members: impl Iterator<Item = (&'a str, Value)>) -> Value {
    if let Some(own) = document.as_object_mut() {
        own.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
    document
}

/// Returns a list of models in OpenAI's format.
pub fn openai_list(models: Vec<Value>) -> Value {
    json!({ "object": "list", "data": models })
}

/// Returns a model in Anthropic's format.
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

/// Returns a list of models in Anthropic's format, as a single page.
pub fn anthropic_list(models: Vec<Value>) -> Value {
    let end = |model: Option<&Value>| model.map(|model| model["id"].clone());
    let (first, last) = (end(models.first()), end(models.last()));
    json!({ "data": models, "first_id": first, "last_id": last, "has_more": false })
}
