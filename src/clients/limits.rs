//! What a client may use.

use serde::Serialize;

use super::rate::Rate;
use super::settings::{ClientSettings, RateLimitSettings};
use crate::problem::{Problem, Problems};

/// What a client may use. What is left out has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Requests.
    pub requests: Option<Rate>,
    /// Tokens of prompts and answers.
    pub tokens: Option<Rate>,
    /// Requests in one of Google's days.
    pub daily_requests: Option<u64>,
    /// Requests at once.
    pub at_once: Option<u64>,
    /// Tokens in a month.
    pub monthly_tokens: Option<u64>,
    /// Money in a month, in billionths of a dollar.
    pub monthly_nanodollars: Option<u64>,
}

/// Limits as they are shown.
#[derive(Debug, Serialize)]
pub struct LimitsStatus {
    requests: Option<u64>,
    requests_window_seconds: Option<u64>,
    tpm: Option<u64>,
    rpd: Option<u64>,
    concurrency: Option<u64>,
    monthly_tokens: Option<u64>,
    monthly_usd: Option<f64>,
}

/// Money, in billionths of a dollar.
pub const NANO: f64 = 1e9;

impl Limits {
    /// Those of everybody who has none of his own.
    pub fn common(settings: &RateLimitSettings) -> Self {
        let requests = settings.enabled.then_some(Rate { limit: settings.requests, window: settings.window });
        Self { requests, ..Self::default() }
    }

    /// Those of a client; what it says nothing of is as it is for everybody.
    pub fn of(client: &ClientSettings, common: &Self) -> Self {
        Self {
            requests: client.rpm.map(Rate::per_minute).or(common.requests),
            tokens: client.tpm.map(Rate::per_minute),
            daily_requests: client.rpd,
            at_once: client.concurrency,
            monthly_tokens: client.monthly_tokens,
            monthly_nanodollars: client.monthly_usd.map(|usd| (usd * NANO) as u64),
        }
    }

    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// As they are shown.
    pub fn status(&self) -> LimitsStatus {
        LimitsStatus {
            requests: self.requests.map(|rate| rate.limit),
            requests_window_seconds: self.requests.map(|rate| rate.window.as_secs()),
            tpm: self.tokens.map(|rate| rate.limit),
            rpd: self.daily_requests,
            concurrency: self.at_once,
            monthly_tokens: self.monthly_tokens,
            monthly_usd: self.monthly_nanodollars.map(|nanodollars| nanodollars as f64 / NANO),
        }
    }
}

/// Checks the ranges of a client's limits.
pub fn check(client: &ClientSettings, place: &str, problems: &mut Problems) {
    let counts = [
        ("rpm", client.rpm),
        ("tpm", client.tpm),
        ("rpd", client.rpd),
        ("concurrency", client.concurrency),
        ("monthly_tokens", client.monthly_tokens),
    ];
    let hint = "leave it out for no limit; take the client away to keep it out";
    for (field, _) in counts.iter().filter(|(_, limit)| *limit == Some(0)) {
        problems.push(Problem::error("must be at least 1").at(format!("{place}.{field}")).hint(hint));
    }
    if client.monthly_usd.is_some_and(|usd| !(usd > 0.0 && usd <= 1e9)) {
        let message = "must be more than 0, and at most 1000000000";
        problems.push(Problem::error(message).at(format!("{place}.monthly_usd")).hint(hint));
    }
}
