//! The limits of a client.

use serde::Serialize;

use super::rate::Rate;
use super::settings::{ClientSettings, RateLimitSettings};
use crate::problem::{Problem, Problems};

/// The limits of a client. None means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Rate of requests.
    pub requests: Option<Rate>,
    /// Rate of tokens, of prompts and answers.
    pub tokens: Option<Rate>,
    /// Requests per Google day.
    pub daily_requests: Option<u64>,
    /// Concurrent requests.
    pub at_once: Option<u64>,
    /// Tokens per month.
    pub monthly_tokens: Option<u64>,
    /// Money per month, in billionths of a US dollar.
    pub monthly_nanodollars: Option<u64>,
}

/// Limits as reported in status output.
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

/// Billionths of a dollar per dollar.
pub const NANO: f64 = 1e9;

impl Limits {
    /// The limits of clients without limits of their own.
    pub fn common(settings: &RateLimitSettings) -> Self {
        let requests = settings.enabled.then_some(Rate { limit: settings.requests, window: settings.window });
        Self { requests, ..Self::default() }
    }

    /// The limits of a client; the common limits apply where it sets none.
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

    /// Whether there are no limits.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The limits for status output.
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

/// Validates the ranges of a client's limits.
pub fn check(client: &ClientSettings, place: &str, problems: &mut Problems) {
    let counts = [
        ("rpm", client.rpm),
        ("tpm", client.tpm),
        ("rpd", client.rpd),
        ("concurrency", client.concurrency),
        ("monthly_tokens", client.monthly_tokens),
    ];
    let hint = "leave it out for no limit; remove the client to deny access";
    for (field, _) in counts.iter().filter(|(_, limit)| *limit == Some(0)) {
        problems.push(Problem::error("must be at least 1").at(format!("{place}.{field}")).hint(hint));
    }
    if client.monthly_usd.is_some_and(|usd| !(usd > 0.0 && usd <= 1e9)) {
        let message = "must be more than 0, and at most 1000000000";
        problems.push(Problem::error(message).at(format!("{place}.monthly_usd")).hint(hint));
    }
}
