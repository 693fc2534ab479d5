//! The error document `{"error": {"message", "type", "param", "code"}}`. All four keys are always present.

use serde::Serialize;

use crate::error::Error;

/// The body of an error response, or the last event of a failed stream.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    error: Object<'a>,
}

#[derive(Debug, Serialize)]
struct Object<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

impl<'a> From<&'a Error> for Body<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            error: Object {
                message: &error.message,
                r#type: &error.kind,
                param: error.param.as_deref(),
                code: error.code.as_deref(),
            },
        }
    }
}

impl Body<'_> {
    /// Serializes the document as JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
