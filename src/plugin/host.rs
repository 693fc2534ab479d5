//! What the host does for scripts: log, match patterns, read JSON, hash. All of it linear in its input; no files, no network,
//! no time.

use std::sync::LazyLock;

use moka::sync::Cache;
use regex::{Regex, RegexBuilder};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString as Text};
use wildmatch::WildMatch;

use super::engine::{LONGEST_STRING, shortened};
use super::session::Verdict;
use crate::secret::Digest;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Patterns that were compiled, of all plugins.
static PATTERNS: LazyLock<Cache<String, Regex>> = LazyLock::new(|| Cache::new(256));
/// Largest compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;

/// Gives scripts these functions.
pub fn register(engine: &mut Engine) {
    engine
        .register_fn(
            "log_debug",
            |text: Text| tracing::debug!(target: "gemini_adapter::plugin", "{}", shortened(&text)),
        )
        .register_fn("log_info", |text: Text| tracing::info!(target: "gemini_adapter::plugin", "{}", shortened(&text)))
        .register_fn("log_warn", |text: Text| tracing::warn!(target: "gemini_adapter::plugin", "{}", shortened(&text)))
        .register_fn("regex_match", |pattern: Text, text: Text| compiled(&pattern).map(|regex| regex.is_match(&text)))
        .register_fn("regex_find", |pattern: Text, text: Text| {
            compiled(&pattern)
                .map(|regex| regex.find(&text).map_or(Dynamic::UNIT, |found| found.as_str().to_owned().into()))
        })
        .register_fn("regex_replace", |pattern: Text, text: Text, with: Text| regex_replace(&pattern, &text, &with))
        .register_fn("json_parse", |text: Text| json_parse(&text))
        .register_fn("json_text", |value: Dynamic| json_text(&value))
        .register_fn("hash", |text: Text| Digest::of(&text).hex(16))
        .register_fn("hash_bucket", |text: Text, buckets: i64| hash_bucket(&text, buckets))
        .register_fn("glob", |pattern: Text, text: Text| WildMatch::new(&pattern).matches(&text))
        .register_fn("reply", |text: Text| Verdict::say(&text))
        .register_fn("reply", |document: rhai::Map| Verdict::show(&Dynamic::from(document)))
        .register_fn("reject", |status: i64, code: Text, message: Text| reject(status, &code, &message));
}

fn compiled(pattern: &str) -> Answer<Regex> {
    if let Some(regex) = PATTERNS.get(pattern) {
        return Ok(regex);
    }
    let regex = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN).build();
    let regex =
        regex.map_err(|error| format!("this is no pattern, or too large a one: {}", shortened(&error.to_string())))?;
    PATTERNS.insert(pattern.to_owned(), regex.clone());
    Ok(regex)
}

fn regex_replace(pattern: &str, text: &str, with: &str) -> Answer<String> {
    let regex = compiled(pattern)?;
    let mut out = String::new();
    let mut kept = 0;
    for found in regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(kept..whole.start()).unwrap_or_default());
        found.expand(with, &mut out);
        kept = whole.end();
        if out.len() > LONGEST_STRING {
            return Err(format!("the text would be longer than {LONGEST_STRING} bytes").into());
        }
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Ok(out)
}

fn json_parse(text: &str) -> Answer<Dynamic> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
    rhai::serde::to_dynamic(value)
}

fn json_text(value: &Dynamic) -> Answer<String> {
    let value: serde_json::Value = rhai::serde::from_dynamic(value)?;
    Ok(value.to_string())
}

/// The same text is always in the same bucket, from 0: for A/B tests.
fn hash_bucket(text: &str, buckets: i64) -> Answer<i64> {
    if buckets < 1 {
        return Err("hash_bucket: there must be at least 1 bucket".into());
    }
    let number = i64::from_str_radix(&Digest::of(text).hex(7), 16).unwrap_or_default();
    Ok(number % buckets)
}

fn reject(status: i64, code: &str, message: &str) -> Answer<()> {
    let thrown = rhai::Map::from([
        ("status".into(), Dynamic::from(status)),
        ("code".into(), Dynamic::from(code.to_owned())),
        ("message".into(), Dynamic::from(message.to_owned())),
    ]);
    Err(Box::new(EvalAltResult::ErrorRuntime(thrown.into(), rhai::Position::NONE)))
}
