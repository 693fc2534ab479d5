//! What a client may still use, in numbers, as the response headers of every vendor report it.

use std::time::Duration;

use jiff::Timestamp;

/// What a client may still use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Of the limit on requests.
    pub requests: Option<Left>,
    /// Of the limit on tokens.
    pub tokens: Option<Left>,
    /// The time at which this holds.
    pub now: Timestamp,
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The limit.
    pub limit: u64,
    /// The amount left.
    pub remaining: u64,
    /// Time until the full limit is available again.
    pub reset: Duration,
}
