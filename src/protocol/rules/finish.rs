//! What Gemini's finish reasons mean.

/// The meaning of a finish reason, before it is known whether a tool was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done. Tool calls end this way too: Gemini has no reason of their own.
    Stop,
    /// The token limit.
    Length,
    /// Something was held back.
    Filtered,
    /// The model failed to say anything usable; whatever came before it stands.
    Failed,
}

/// Reads a `finishReason`. One that nobody knows yet is taken for a stop.
pub fn read(reason: &str) -> Finish {
    match reason {
        "MAX_TOKENS" | "CONTINUATION" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "LANGUAGE"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED"
        | "MODEL_ARMOR" => Finish::Filtered,
        "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "NO_IMAGE"
        | "IMAGE_OTHER"
        | "OTHER" => Finish::Failed,
        _ => Finish::Stop,
    }
}
