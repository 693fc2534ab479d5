//! What all protocols of one vendor share: the format of errors and models, and the headers of every answer.

use serde_json::Value;

use super::catalog::{self, Card};
use crate::allowance::{Allowance, Left};
use crate::error::Error;
use crate::wire::{anthropic, gemini, openai};

/// A vendor whose protocols share these properties.
pub trait Family: Send + Sync {
    /// Returns the HTTP status of an error.
    fn status(&self, error: &Error) -> u16 {
        error.status
    }

    /// Returns the body of an error response to the request with this id.
    fn error(&self, error: &Error, request_id: &str) -> Vec<u8>;

    /// Returns a model in the vendor's format.
    fn model(&self, card: &Card) -> Value {
        catalog::openai(card)
    }

    /// Returns a list of models, each already [in the vendor's format](Self::model).
    fn models(&self, models: Vec<Value>) -> Value {
        catalog::openai_list(models)
    }

    /// The header, in addition to `x-request-id`, in which the vendor's clients expect the request's id.
    fn id_header(&self) -> Option<&'static str> {
        None
    }

    /// The header in which one of the vendor's clients sends the id of the conversation a request belongs to.
    fn conversation_header(&self) -> Option<&'static str> {
        None
    }

    /// Returns the client's remaining allowance as headers.
    fn allowance(&self, allowance: &Allowance) -> Vec<(&'static str, String)> {
        limit_headers(allowance, OPENAI_LIMITS, |left| format!("{:.3}s", left.reset.as_secs_f64()))
    }
}

/// Headers for the limit, the remaining amount and the time of the full reset: first for requests, then for tokens.
type LimitHeaders = [[&'static str; 3]; 2];

const OPENAI_LIMITS: LimitHeaders = [
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
];

const ANTHROPIC_LIMITS: LimitHeaders = [
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    ["anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
];

fn limit_headers(
    allowance: &Allowance,
    [requests, tokens]: LimitHeaders,
    reset: impl Fn(Left) -> String,
) -> Vec<(&'static str, String)> {
    let told = |(left, [limit, remaining, until]): (Option<Left>, [&'static str; 3])| {
        let left = left?;
        Some([(limit, left.limit.to_string()), (remaining, left.remaining.to_string()), (until, reset(left))])
    };
    [(allowance.requests, requests), (allowance.tokens, tokens)].into_iter().filter_map(told).flatten().collect()
}

/// The only error code that exists at Anthropic too: its clients then send the whole conversation.
pub const THREAD_NOT_FOUND: &str = "thread_not_found";

/// OpenAI's protocols.
pub struct OpenAi;

/// Anthropic's protocols.
pub struct Anthropic;

/// Google's native protocol.
pub struct Google;

impl Family for OpenAi {
    fn error(&self, error: &Error, _: &str) -> Vec<u8> {
        openai::error::Body::from(error).to_vec()
    }
}

impl Family for Anthropic {
    fn status(&self, error: &Error) -> u16 {
        if is(error, "overloaded") { anthropic::error::OVERLOADED } else { error.status }
    }

    fn error(&self, error: &Error, request_id: &str) -> Vec<u8> {
        // Anthropic's clients recognize a prompt that is too long by this text.
        let message = match is(error, "context_length_exceeded") {
            true => format!("prompt is too long: {}", error.message),
            false => error.message.clone(),
        };
        let code = error.code.as_deref().filter(|code| *code == THREAD_NOT_FOUND);
        anthropic::error::Body::new(self.status(error), &message, request_id).code(code).to_vec()
    }

    fn model(&self, card: &Card) -> Value {
        catalog::anthropic(card)
    }

    fn models(&self, models: Vec<Value>) -> Value {
        catalog::anthropic_list(models)
    }

    fn id_header(&self) -> Option<&'static str> {
        Some("request-id")
    }

    /// Claude Code's header. Its auxiliary requests carry it too.
    fn conversation_header(&self) -> Option<&'static str> {
        Some("x-claude-code-session-id")
    }

    /// Resets are points in time, not durations.
    fn allowance(&self, allowance: &Allowance) -> Vec<(&'static str, String)> {
        limit_headers(allowance, ANTHROPIC_LIMITS, |left| {
            let at = allowance.now.saturating_add(left.reset).unwrap_or(allowance.now);
            at.round(jiff::Unit::Second).unwrap_or(at).to_string()
        })
    }
}

impl Family for Google {
    fn error(&self, error: &Error, _: &str) -> Vec<u8> {
        gemini::error::Body::new(error.status, &error.message).retry_after(error.retry_after).to_vec()
    }
}

fn is(error: &Error, code: &str) -> bool {
    error.code.as_deref() == Some(code)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fault::{Blame, Fault, Kind};

    #[test]
    fn each_tells_an_error_in_its_own_shape() {
        let fault = |kind| Error::from(&Fault::new(kind, Blame::Model, "m"));
        for (family, error, status, expected) in [
            (
                &OpenAi as &dyn Family,
                Error::invalid("m").param("p"),
                400,
                json!({ "error": { "message": "m", "type": "invalid_request_error", "param": "p", "code": null } }),
            ),
            (
                &Anthropic,
                fault(Kind::Overloaded),
                529,
                json!({ "type": "error", "error": { "type": "overloaded_error", "message": "m" }, "request_id": "r" }),
            ),
            (
                &Anthropic,
                Error::unauthorized("m", None),
                401,
                json!({ "type": "error", "error": { "type": "authentication_error", "message": "m" }, "request_id": "r" }),
            ),
            (
                &Google,
                Error::not_found("m"),
                404,
                json!({ "error": { "code": 404, "message": "m", "status": "NOT_FOUND" } }),
            ),
        ] {
            assert_eq!(family.status(&error), status);
            let body: Value = serde_json::from_slice(&family.error(&error, "r")).unwrap();
            assert_eq!(body, expected);
        }
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_in_words_that_clients_know() {
        let error = Error::from(&Fault::new(Kind::ContextLength, Blame::Request, "m"));
        let body: Value = serde_json::from_slice(&Anthropic.error(&error, "r")).unwrap();
        assert!(body["error"]["message"].as_str().unwrap().starts_with("prompt is too long"), "{body}");
    }
}
