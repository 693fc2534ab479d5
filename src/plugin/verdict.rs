//! What a script may return, and what the request does then.

use std::time::Duration;

use bytes::Bytes;
use rhai::Dynamic;
use serde_json::Value;

use super::context::json;

/// The longest rest a script may ask for.
const LONGEST_REST: Duration = Duration::from_secs(24 * 3600);

/// What a script returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    /// `reply("…")`: the client gets this text, as if the model had said it.
    Say(String),
    /// `reply(#{…})`: the client gets this document.
    Show(Value),
    /// `retry()`: another key is tried.
    Retry,
    /// `cool_down(seconds)`: the key rests for this model, and another is tried.
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
        Self::CoolDown(Duration::from_secs(seconds.try_into().unwrap_or(0)).min(LONGEST_REST))
    }
}

/// What plugins make of a request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It goes on, with this body.
    Continue(Bytes),
    /// It is answered with this.
    Reply(Reply),
}

/// An answer that a plugin gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What it says.
    pub text: String,
    /// The whole document, where the plugin wrote one.
    pub document: Option<Value>,
    /// The model the client asked for.
    pub model: String,
    /// Whether the body says that it wants a stream.
    pub stream: bool,
}

/// What plugins want done about an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Another key is tried.
    Retry,
    /// The key rests for this model for so long, and another is tried.
    CoolDown(Duration),
    /// No other attempt.
    Fail,
}
