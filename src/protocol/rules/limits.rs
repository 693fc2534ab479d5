//! Checks numbers against the ranges that Gemini accepts, and describes those out of range.

use crate::error::Error;
use crate::protocol::Target;

/// Checks that a decimal number is within these bounds.
///
/// # Errors
/// 400, naming the field.
pub fn ranged(value: Option<f64>, name: &str, min: f64, max: f64) -> Result<Option<f64>, Error> {
    match value {
        Some(value) if value < min => Err(out_of_range(name, value, &format!(">= {min}"), "decimal_below_min_value")),
        Some(value) if value > max => Err(out_of_range(name, value, &format!("<= {max}"), "decimal_above_max_value")),
        value => Ok(value),
    }
}

/// Returns a 400 for a number out of range.
pub fn out_of_range(name: &str, value: impl std::fmt::Display, range: &str, code: &'static str) -> Error {
    let message = format!("Invalid value for '{name}': expected a value {range}, but got {value} instead.");
    Error::invalid(message).param(name).code(code)
}

/// Checks that an integer is at least 1.
///
/// # Errors
/// 400, naming the field.
pub fn at_least_one(value: Option<i64>, name: &str) -> Result<Option<u32>, Error> {
    match value {
        Some(value) if value < 1 => Err(out_of_range(name, value, ">= 1", "integer_below_min_value")),
        Some(value) => Ok(Some(u32::try_from(value).unwrap_or(u32::MAX))),
        None => Ok(None),
    }
}

/// Reads the token limit of an answer. A limit above the model's maximum is clamped, because Google would reject it
/// with a 400.
///
/// # Errors
/// 400, naming the field.
pub fn tokens(value: Option<i64>, name: &str, target: &Target<'_>) -> Result<Option<u32>, Error> {
    let most = target.model.facts.output_tokens;
    Ok(at_least_one(value, name)?.map(|value| {
        if value > most {
            target.notes.clamped(name, format_args!("{most} is this model's maximum"));
        }
        value.min(most)
    }))
}

/// Returns Gemini's service tier, if OpenAI's has a counterpart.
pub fn service_tier(tier: Option<&str>) -> Option<&'static str> {
    match tier? {
        "flex" => Some("flex"),
        "priority" | "fast" => Some("priority"),
        _ => None,
    }
}
