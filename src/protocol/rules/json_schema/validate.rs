//! Validates an answer against the client's own schema.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::fault::Fault;
use crate::protocol::rules::answer::broken;

/// Checks that a text conforms to the client's schema.
///
/// # Errors
/// When it does not; another attempt may succeed.
pub fn check_answer(schema: &RawValue, text: &str) -> Result<(), Fault> {
    let answer: Value = serde_json::from_str(text).map_err(|_| broken("Gemini's answer is not the requested JSON."))?;
    let schema: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    // An invalid schema cannot be checked.
    let Ok(validator) = jsonschema::validator_for(&schema) else { return Ok(()) };
    validator.validate(&answer).map_err(|error| {
        let at = error.instance_path().to_string();
        broken(format!("Gemini's answer does not match the client's schema, at `{at}`."))
    })
}
