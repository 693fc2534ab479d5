//! What a script can return, and what happens to the request as a result.

use std::time::Duration;

use bytes::Bytes;
use rhai::Dynamic;
use serde_json::Value;

use super::context::json;

/// The longest cooldown that a script can request.
const MAX_COOLDOWN: Duration = Duration::from_secs(24 * 3600);

/// What a script returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    /// `reply("…")`: the client gets this text as if it came from the model.
    Say(String),
    /// `reply(#{…})`: the client gets this document.
    Show(Value),
    /// `retry()`: another key is tried.
    Retry,
    /// `cool_down(seconds)`: the key cools down for this model, and another key is tried.
    CoolDown(Duration),
    /// `fail()`: no other attempt.
    Fail,
}

impl Returned {
    /// `reply(#{…})`.
    pub fn show(document: &Dynamic) -> Self {
        Self::Show(json(document).unwrap_or_default())
    }

    /// `cool_down(seconds)`.
    pub fn cool_down(seconds: i64) -> Self {
        Self::CoolDown(Duration::from_secs(seconds.try_into().unwrap_or(0)).min(MAX_COOLDOWN))
    }
}

/// What plugins decided about a request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It continues with this body.
    Continue(Bytes),
    /// It is answered with this reply.
    Reply(Reply),
}

/// An answer written by a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The text of the answer.
    pub text: String,
    /// The whole document, if the plugin wrote one.
    pub document: Option<Value>,
    /// The model that the client requested.
    pub model: String,
    /// Whether the request body asks for a stream.
    pub stream: bool,
}

/// What plugins decided about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Another key is tried.
    Retry,
    /// The key cools down for this model for this long, and another key is tried.
    CoolDown(Duration),
    /// No other attempt.
    Fail,
}
