//! The response object: all of its fields, always, because strict clients read them.

use serde_json::json;

use crate::error::Error;
use crate::protocol::{Stamp, Usage};
use crate::wire::json::push_string;

/// How far an answer is.
#[derive(Clone, Copy, Debug)]
pub enum Status<'s> {
    /// It comes.
    InProgress,
    /// It is all there.
    Completed,
    /// It ended early, for this reason.
    Incomplete(&'static str),
    /// It broke.
    Failed(&'s Error),
}

impl Status<'_> {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// What is in a response object.
pub struct Document<'d> {
    /// What the answer bears.
    pub stamp: &'d Stamp,
    /// What it repeats of its request: members of an object.
    pub echo: &'d str,
    /// How far it is.
    pub status: Status<'d>,
    /// Its items, written.
    pub items: &'d [Vec<u8>],
    /// Tokens.
    pub usage: &'d Usage,
    /// The tier that served it.
    pub tier: &'d str,
}

impl Document<'_> {
    /// As JSON.
    pub fn written(&self) -> Vec<u8> {
        let Self { stamp, echo, status, items, usage, tier } = self;
        let created = stamp.created;
        let ended = !matches!(status, Status::InProgress);
        let mut out = br#"{"id":"#.to_vec();
        push_string(&mut out, &response_id(&stamp.id));
        let (error, incomplete) = match status {
            Status::Failed(error) => {
                (json!({ "code": error.code.as_deref().unwrap_or(&error.kind), "message": error.message }), json!(null))
            }
            Status::Incomplete(reason) => (json!(null), json!({ "reason": reason })),
            _ => (json!(null), json!(null)),
        };
        let completed = if ended { created.to_string() } else { "null".to_owned() };
        let head = format!(
            r#","object":"response","created_at":{created},"status":"{}","completed_at":{completed},"error":{error},"incomplete_details":{incomplete},"model":"#,
            status.name()
        );
        out.extend_from_slice(head.as_bytes());
        push_string(&mut out, &stamp.model);
        out.extend_from_slice(br#","output":["#);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(item);
        }
        let usage = if ended { tokens(usage) } else { "null".to_owned() };
        out.extend_from_slice(format!(r#"],"service_tier":"{tier}","usage":{usage}"#).as_bytes());
        if !echo.is_empty() {
            out.push(b',');
            out.extend_from_slice(echo.as_bytes());
        }
        out.push(b'}');
        out
    }
}

/// The id of the answer to a request.
pub fn response_id(request_id: &str) -> String {
    format!("resp_{request_id}")
}

fn tokens(usage: &Usage) -> String {
    let Usage { prompt, completion, cached, reasoning, .. } = usage;
    let total = prompt + completion;
    format!(
        r#"{{"input_tokens":{prompt},"input_tokens_details":{{"cached_tokens":{cached}}},"output_tokens":{completion},"output_tokens_details":{{"reasoning_tokens":{reasoning}}},"total_tokens":{total}}}"#
    )
}
