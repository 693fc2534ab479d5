//! Classifies Google's failures: takes status and body, returns a [`Fault`]. Pure.
//!
//! Codes and reasons are stable, messages are not, so messages are used only where there is nothing else. Sources:
//! recorded errors of the Gemini API, and ai.google.dev/gemini-api/docs/{troubleshooting,rate-limits}, November 2026.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use regex::Regex;
use serde::Deserialize;

use crate::fault::{Blame, Fault, Kind, Remedy, UpstreamBody};
use crate::secret::Secret;

/// Longest cooldown a hint may request, in seconds. A longer one is taken for a mistake.
const LONGEST_HINT: f64 = 25.0 * 3600.0;
/// Maximum length of a message passed on, in characters.
const LONGEST_MESSAGE: usize = 2000;

/// How much of an error body is recorded verbatim, in bytes.
const LONGEST_SAID: usize = 64 * 1024;

/// Google's error document, either bare or in an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    // Must come first: an array would also deserialise as a struct with its fields in order.
    Several(Vec<Wrapped>),
    One(Wrapped),
}

#[derive(Deserialize)]
struct Wrapped {
    error: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: i64,
    message: String,
    status: String,
    details: Vec<Detail>,
}

/// The union of the fields of `google.rpc.ErrorInfo`, `QuotaFailure` and `RetryInfo`. `DebugInfo` is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Detail {
    reason: String,
    retry_delay: serde_json::Value,
    violations: Vec<Violation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Violation {
    quota_id: String,
    quota_value: serde_json::Value,
}

/// Classifies a response with this status.
pub fn classify(status: u16, body: &[u8], key: &Secret) -> Fault {
    let error = read(body);
    let (kind, blame) = judge(status, &error);
    let words = match (error.message.trim(), kind) {
        ("", Kind::Overloaded) => "The model is overloaded. Please try again later.".to_owned(),
        ("", _) => format!("Gemini answered with status {status} and no message."),
        (words, _) => words.to_owned(),
    };
    Fault {
        retry_after: hint(&error).filter(|_| matches!(blame, Blame::Quota | Blame::Key | Blame::Model)),
        status: Some(status),
        quota_id: strictest(&error).map(|violation| violation.quota_id.clone()),
        quota_value: strictest(&error).and_then(|violation| amount(&violation.quota_value)),
        remedy: remedy(kind, &error),
        said: Some(said(body, key)),
        ..Fault::new(kind, blame, presentable(&words, key))
    }
}

/// The body as received, except for the key, which the body may quote: it may be displayed after that key has been
/// removed from the configuration.
fn said(body: &[u8], key: &Secret) -> UpstreamBody {
    let body = body.get(..LONGEST_SAID).unwrap_or(body);
    UpstreamBody(Bytes::from(key.scrub(&String::from_utf8_lossy(body))))
}

/// What could make a rejected request succeed. Only Google's message distinguishes these cases.
fn remedy(kind: Kind, error: &Status) -> Option<Remedy> {
    let says = |words: &str| error.message.to_ascii_lowercase().contains(words);
    match kind {
        Kind::BadRequest if says("thought_signature") || says("thought signature") => {
            Some(Remedy::PlaceholderSignatures)
        }
        Kind::BadRequest if says("thinking") => Some(Remedy::NoThinking),
        _ => None,
    }
}

/// Classifies an error inside a stream, or inside an answer with a success status.
pub fn classify_event(body: &[u8], key: &Secret) -> Fault {
    let code = read(body).code;
    classify(u16::try_from(code).ok().filter(|code| (400..600).contains(code)).unwrap_or(500), body, key)
}

fn read(body: &[u8]) -> Status {
    match serde_json::from_slice(body) {
        Ok(Document::One(wrapped)) => wrapped.error,
        Ok(Document::Several(several)) => several.into_iter().next().map(|wrapped| wrapped.error).unwrap_or_default(),
        // An HTML page from some front end: nothing in it is meant for a client.
        Err(_) => Status::default(),
    }
}

fn judge(status: u16, error: &Status) -> (Kind, Blame) {
    let reason = |wanted: &[&str]| error.details.iter().any(|detail| wanted.contains(&detail.reason.as_str()));
    let says = |words: &str| error.message.to_ascii_lowercase().contains(words);
    match status {
        400 if reason(&["API_KEY_INVALID", "API_KEY_EXPIRED"])
            || says("api key not valid")
            || says("api key expired") =>
        {
            (Kind::KeyInvalid, Blame::Key)
        }
        400 if says("user location is not supported") => (Kind::Location, Blame::Key),
        400 if says("token count") && says("exceeds") => (Kind::ContextLength, Blame::Request),
        401 => (Kind::KeyInvalid, Blame::Key),
        402 => (Kind::Billing, Blame::Key),
        403 => forbidden(error, &reason, &says),
        404 if says("no longer available to new users") => (Kind::ModelNotForKey, Blame::Quota),
        404 if says("file") || says("cachedcontent") => (Kind::NotOwned, Blame::Request),
        404 => (Kind::ModelNotFound, Blame::Request),
        429 => exhausted(error, &reason, &says),
        408 | 504 => (Kind::Timeout, Blame::Model),
        503 => (Kind::Overloaded, Blame::Model),
        400..=498 => (Kind::BadRequest, Blame::Request),
        499..=599 => (Kind::UpstreamError, Blame::Model),
        // A redirect, or a success status that is not handled as one: neither key nor model is to blame.
        _ => (Kind::Unknown, Blame::Endpoint),
    }
}

/// 403: a key fault only if the reason or message is about the key.
fn forbidden(error: &Status, reason: &impl Fn(&[&str]) -> bool, says: &impl Fn(&str) -> bool) -> (Kind, Blame) {
    const OF_THE_KEY: &[&str] = &[
        "SERVICE_DISABLED",
        "API_KEY_SERVICE_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_IP_ADDRESS_BLOCKED",
        "API_KEY_ANDROID_APP_BLOCKED",
        "API_KEY_IOS_APP_BLOCKED",
        "CONSUMER_SUSPENDED",
        "CONSUMER_INVALID",
        "ACCOUNT_STATE_INVALID",
        "BILLING_DISABLED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    ];
    const WORDS_OF_THE_KEY: &[&str] = &[
        "reported as leaked",
        "has been suspended",
        "unregistered callers",
        "api key",
        "has not been used in project",
    ];
    if reason(OF_THE_KEY) || WORDS_OF_THE_KEY.iter().any(|words| says(words)) {
        (Kind::KeyBlocked, Blame::Key)
    } else if says("file") || says("cachedcontent") || says("cached content") {
        (Kind::NotOwned, Blame::Request)
    } else if error.message.is_empty() {
        (Kind::Unknown, Blame::Endpoint)
    } else {
        (Kind::BadRequest, Blame::Request)
    }
}

/// 429: determines which limit was exceeded.
fn exhausted(error: &Status, reason: &impl Fn(&[&str]) -> bool, says: &impl Fn(&str) -> bool) -> (Kind, Blame) {
    match strictest(error) {
        Some(violation) if is_zero(&violation.quota_value) => (Kind::ModelNotForKey, Blame::Quota),
        Some(violation) if violation.quota_id.contains("PerDay") => (Kind::DayQuota, Blame::Quota),
        Some(_) => (Kind::RateLimited, Blame::Quota),
        None if reason(&["MODEL_CAPACITY_EXHAUSTED"]) || says("overloaded") || says("high demand") => {
            (Kind::Overloaded, Blame::Model)
        }
        None if says("credit") && says("deplet") => (Kind::Billing, Blame::Key),
        None => (Kind::RateLimited, Blame::Quota),
    }
}

/// If several quotas were exceeded, the one that lasts longest.
fn strictest(error: &Status) -> Option<&Violation> {
    let violations = error.details.iter().flat_map(|detail| &detail.violations);
    violations
        .filter(|violation| !violation.quota_id.is_empty())
        .max_by_key(|violation| (is_zero(&violation.quota_value), violation.quota_id.contains("PerDay")))
}

fn is_zero(value: &serde_json::Value) -> bool {
    amount(value) == Some(0)
}

fn amount(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// How long Google says to wait. The message includes the fraction of a second that `RetryInfo` truncates, but
/// `RetryInfo` is more reliable: the message's value is used only if it lies within the same second, or if there is no
/// other.
fn hint(error: &Status) -> Option<Duration> {
    #[expect(clippy::expect_used, reason = "a constant pattern, which the tests compile")]
    static PROSE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)retry in ([0-9]+(?:\.[0-9]+)?) ?(ms|s)").expect("a constant pattern compiles")
    });
    let stated = error.details.iter().find_map(|detail| match &detail.retry_delay {
        serde_json::Value::String(text) => text.strip_suffix('s')?.parse::<f64>().ok(),
        serde_json::Value::Object(fields) => {
            let field = |name: &str| fields.get(name).and_then(|value| value.as_f64().or(value.as_str()?.parse().ok()));
            Some(field("seconds").unwrap_or(0.0) + field("nanos").unwrap_or(0.0) / 1e9)
        }
        _ => None,
    });
    let prose = PROSE.captures(&error.message).and_then(|found| {
        let number: f64 = found.get(1)?.as_str().parse().ok()?;
        Some(if found.get(2)?.as_str().eq_ignore_ascii_case("ms") { number / 1000.0 } else { number })
    });
    let seconds = match (stated, prose) {
        (Some(stated), Some(prose)) if (stated..stated + 1.0).contains(&prose) => prose,
        (Some(stated), _) => stated,
        (None, prose) => prose?,
    };
    (seconds.is_finite() && seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_HINT)))
}

/// Google's message in a form suitable for clients: without keys or project numbers, and of bounded length.
fn presentable(words: &str, key: &Secret) -> String {
    #[expect(clippy::expect_used, reason = "a constant pattern, which the tests compile")]
    static PROJECT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)(projects?[ /=:#]+|consumer[^0-9]{0,20})[0-9]{6,}").expect("a constant pattern compiles")
    });
    let scrubbed = key.scrub(words);
    PROJECT.replace_all(&scrubbed, "${1}[number]").chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
