//! Pattern, JSON, hash and glob functions for scripts. All run in linear time.

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString as Text};
use wildmatch::WildMatch;

use super::patterns::{Waiting, compiled};
use super::repair;
use crate::secret::Digest;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Maximum number of matches that are listed.
const MOST_MATCHES: usize = 5_000;

/// Registers these functions with the engine.
pub fn register(engine: &mut Engine) {
    engine
        .register_fn("regex_match", |pattern: Text, text: Text| {
            compiled(&pattern).map(|pattern| pattern.regex.is_match(&text))
        })
        .register_fn("regex_find", |pattern: Text, text: Text| {
            compiled(&pattern).map(|pattern| {
                pattern.regex.find(&text).map_or(Dynamic::UNIT, |found| found.as_str().to_owned().into())
            })
        })
        .register_fn("regex_find_all", |pattern: Text, text: Text| regex_find_all(&pattern, &text))
        .register_fn("regex_replace", |pattern: Text, text: Text, with: Text| {
            let pattern = compiled(&pattern)?;
            Waiting::default().replace(&pattern, &text, true, |found, out| found.expand(&with, out))
        })
        .register_fn("json_parse", |text: Text| json_parse(&text))
        .register_fn("json_text", |value: Dynamic| json_text(&value))
        .register_fn("json_repair", |text: Text| repair::json_repair(&text))
        .register_fn("hash", |text: Text| Digest::of(&text).hex(16))
        .register_fn("hash_bucket", |text: Text, buckets: i64| hash_bucket(&text, buckets))
        .register_fn("glob", |pattern: Text, text: Text| WildMatch::new(&pattern).matches(&text));
}

fn regex_find_all(pattern: &str, text: &str) -> Answer<Array> {
    let pattern = compiled(pattern)?;
    let mut found = Array::new();
    for one in pattern.regex.find_iter(text) {
        if found.len() == MOST_MATCHES {
            return Err(format!("regex_find_all: more than {MOST_MATCHES} matches").into());
        }
        found.push(one.as_str().to_owned().into());
    }
    Ok(found)
}

fn json_parse(text: &str) -> Answer<Dynamic> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("this is not valid JSON: {error}"))?;
    rhai::serde::to_dynamic(value)
}

fn json_text(value: &Dynamic) -> Answer<String> {
    let value: serde_json::Value = rhai::serde::from_dynamic(value)?;
    Ok(value.to_string())
}

/// Returns the bucket of a text, from 0; the same text always gets the same bucket. For A/B tests.
fn hash_bucket(text: &str, buckets: i64) -> Answer<i64> {
    if buckets < 1 {
        return Err("hash_bucket: there must be at least 1 bucket".into());
    }
    let number = i64::from_str_radix(&Digest::of(text).hex(7), 16).unwrap_or_default();
    Ok(number % buckets)
}
