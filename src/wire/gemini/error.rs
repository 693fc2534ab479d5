//! The error document `{"error": {"code", "message", "status"}}`. The status name is derived from the code
//! (google.rpc.Code, as ai.google.dev/gemini-api/docs/troubleshooting lists it, November 2026).

use std::time::Duration;

use serde::Serialize;

/// The body of an error response.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    error: Object<'a>,
}

#[derive(Debug, Serialize)]
struct Object<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<[RetryInfo; 1]>,
}

/// When the client may retry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RetryInfo {
    #[serde(rename = "@type")]
    kind: &'static str,
    retry_delay: String,
}

impl<'a> Body<'a> {
    /// Creates an error with this HTTP status.
    pub fn new(code: u16, message: &'a str) -> Self {
        Self { error: Object { code, message, status: name(code), details: None } }
    }

    /// Adds a retry delay, for which Google has no header.
    pub fn retry_after(mut self, rest: Option<Duration>) -> Self {
        let info = |rest: Duration| {
            let kind = "type.googleapis.com/google.rpc.RetryInfo";
            [RetryInfo { kind, retry_delay: format!("{:.3}s", rest.as_secs_f64()) }]
        };
        self.error.details = rest.map(info);
        self
    }

    /// Serializes the document as JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn name(code: u16) -> &'static str {
    match code {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 | 501 => "UNIMPLEMENTED",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        502 | 503 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}
