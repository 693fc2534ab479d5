//! Gemini's quirks, one file each, shared by all dialects.

pub mod answer;
pub mod citations;
pub mod conversation;
pub mod document;
pub mod events;
pub mod files;
pub mod finish;
pub mod format;
pub mod ids;
pub mod json_schema;
pub mod limits;
pub mod lists;
pub mod logprobs;
pub mod media;
pub mod owned;
pub mod plain_text;
pub mod signature_mark;
pub mod thinking;
pub mod tool_result;
pub mod tools;
pub mod usage;

/// The placeholder that Google documents for a function call whose signature is lost or was made by another provider's
/// model (ai.google.dev/gemini-api/docs/thought-signatures, November 2026). It costs quality, so it is only used where
/// nothing better is known.
pub const SIGNATURE_ESCAPE: &str = "skip_thought_signature_validator";
