//! The response object. All of its fields are always present, because strict clients read them.

use serde_json::json;

use crate::error::Error;
use crate::protocol::{AnswerContext, Usage};
use crate::wire::json::push_string;

/// The state of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Status<'s> {
    /// It is being generated.
    InProgress,
    /// It is complete.
    Completed,
    /// It ended early, for this reason.
    Incomplete(&'static str),
    /// It failed.
    Failed(&'s Error),
}

impl Status<'_> {
    /// Returns the status as OpenAI names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// The content of a response object.
pub struct Document<'d> {
    /// The answer's id, time and model name.
    pub stamp: &'d AnswerContext,
    /// What it repeats of its request: members of a JSON object.
    pub echo: &'d str,
    /// The state of the answer.
    pub status: Status<'d>,
    /// Its items, as JSON.
    pub items: &'d [Vec<u8>],
    /// Its token counts.
    pub usage: &'d Usage,
    /// The service tier that served it.
    pub tier: &'d str,
}

impl Document<'_> {
    /// Serializes the object as JSON.
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

/// Returns the id of the answer to the request with this id.
pub fn response_id(request_id: &str) -> String {
    format!("resp_{request_id}")
}

/// How many characters of an item's id are its number.
const NUMBER: usize = 2;

/// The id of an item: it contains the id of its response, so that a reference to an item leads there. The number has
/// two digits in base 36; an answer with more than 1,296 items has ids twice.
pub fn item_id(prefix: &str, request_id: &str, number: usize) -> String {
    let digit = |number: usize| char::from_digit((number % 36) as u32, 36).unwrap_or_default();
    format!("{prefix}_{request_id}{}{}", digit(number / 36), digit(number))
}

/// The id of the response that an item belongs to, by the item's id. None if that is no id of [`item_id`].
pub fn response_of_item(item_id: &str) -> Option<String> {
    let (_, rest) = item_id.split_once('_')?;
    let (request_id, _) = rest.split_at_checked(rest.len().checked_sub(NUMBER)?)?;
    Some(response_id(request_id))
}

fn tokens(usage: &Usage) -> String {
    let Usage { prompt, completion, cached, reasoning, .. } = usage;
    let total = prompt + completion;
    format!(
        r#"{{"input_tokens":{prompt},"input_tokens_details":{{"cached_tokens":{cached}}},"output_tokens":{completion},"output_tokens_details":{{"reasoning_tokens":{reasoning}}},"total_tokens":{total}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_id_leads_to_its_response() {
        for number in [0, 9, 10, 35, 36, 100, 1295] {
            let id = item_id("msg", "0af_7", number);
            assert_eq!(response_of_item(&id).as_deref(), Some("resp_0af_7"), "{id}");
        }
        for text in ["", "msg", "msg_1", "é_é"] {
            assert!(response_of_item(text).is_none_or(|id| id == "resp_"), "{text}");
        }
    }
}
