//! An answer held against the client's own schema.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::fault::Fault;
use crate::protocol::rules::answer::broken;

/// Whether a text is what the client's schema asks for.
///
/// # Errors
/// When it is not: another attempt may do better.
pub fn check_answer(schema: &RawValue, text: &str) -> Result<(), Fault> {
    let answer: Value =
        serde_json::from_str(text).map_err(|_| broken("Gemini's answer is not the JSON that was asked for."))?;
    let schema: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    // A schema that is none cannot be held against the answer.
    let Ok(validator) = jsonschema::validator_for(&schema) else { return Ok(()) };
    validator.validate(&answer).map_err(|error| {
        let at = error.instance_path().to_string();
        broken(format!("Gemini's answer does not match the client's schema, at `{at}`."))
    })
}
