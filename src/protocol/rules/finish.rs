//! The meaning of Gemini's finish reasons.

/// The meaning of a finish reason, before it is known whether a tool was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model finished. Tool calls end this way too: Gemini has no separate reason for them.
    Stop,
    /// The token limit was reached.
    Length,
    /// Content was withheld.
    Filtered,
    /// The model failed to produce anything usable. What came before remains valid.
    Failed,
}

/// Reads a `finishReason`. An unknown reason counts as a stop.
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
