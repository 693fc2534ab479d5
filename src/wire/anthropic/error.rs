//! The error document `{"type": "error", "error": {"type", "message"}, "request_id"}`. The error type is derived from
//! the HTTP status (docs.anthropic.com/en/api/errors, November 2026).

use serde::Serialize;

/// Anthropic's own status for an overloaded model.
pub const OVERLOADED: u16 = 529;

/// The body of an error response, or the last event of a failed stream.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    r#type: &'static str,
    error: Object<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
}

#[derive(Debug, Serialize)]
struct Object<'a> {
    r#type: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

/// Details that Anthropic's clients act on besides the status and the type.
#[derive(Debug, Serialize)]
struct Details<'a> {
    error_code: &'a str,
}

impl<'a> Body<'a> {
    /// Creates an error with this status. Pass an empty `request_id` in a stream, whose first event already carried it.
    pub fn new(status: u16, message: &'a str, request_id: &'a str) -> Self {
        Self { r#type: "error", error: Object { r#type: kind(status), message, details: None }, request_id }
    }

    /// Adds one of Anthropic's error codes.
    pub fn code(mut self, code: Option<&'a str>) -> Self {
        self.error.details = code.map(|error_code| Details { error_code });
        self
    }

    /// Serializes the document as JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        OVERLOADED => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}
