//! Masks every configured secret in text that clients or Google wrote, both verbatim and in the encodings it may have
//! been sent in.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::{NoExpand, Regex, RegexBuilder};
use serde_json::Value;

use super::{MASK, Secret, scrub_google_keys};

/// Secrets per pattern. A single pattern for all of them would exceed practical compile limits.
const TOGETHER: usize = 16;
/// Size limit of a compiled pattern, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;
/// Shorter secrets are not masked: they are likely ordinary words, and masking them would garble the text.
const SHORTEST: usize = 6;

/// Masks secrets in text.
pub struct Redaction {
    patterns: Vec<Regex>,
    /// The length in bytes of the shortest secret. A shorter text cannot contain any.
    shortest: usize,
}

impl Redaction {
    /// Compiles the patterns for these secrets.
    pub fn of(secrets: &[Secret]) -> Self {
        let secrets: Vec<&str> = secrets.iter().map(Secret::expose).filter(|text| text.len() >= SHORTEST).collect();
        let shortest = secrets.iter().map(|text| text.len()).min().unwrap_or(usize::MAX);
        Self { patterns: secrets.chunks(TOGETHER).flat_map(|texts| patterns(texts, LARGEST)).collect(), shortest }
    }

    /// Whether there are no secrets to mask.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Returns the text with all secrets, and anything that looks like a Google key, masked.
    pub fn apply(&self, text: &str) -> String {
        let mut text = scrub_google_keys(text);
        if text.len() < self.shortest {
            return text;
        }
        for pattern in &self.patterns {
            if pattern.is_match(&text) {
                text = pattern.replace_all(&text, NoExpand(MASK)).into_owned();
            }
        }
        text
    }

    /// Applies the redaction to every string of a document, including field names.
    pub fn over(&self, document: &mut Value) {
        match document {
            Value::String(text) => *text = self.apply(text),
            // A secret may consist of digits only.
            Value::Number(number) => {
                let text = number.to_string();
                if self.patterns.iter().any(|pattern| pattern.is_match(&text)) {
                    *document = MASK.into();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.over(item)),
            Value::Object(fields) => {
                let redacted = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                    self.over(&mut value);
                    (self.apply(&name), value)
                });
                *fields = redacted.collect();
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redaction").field(&self.patterns.len()).finish()
    }
}

/// The pattern for these secrets; several where one would exceed `limit`, in bytes. A secret too long for a pattern of
/// its encodings is masked verbatim at least.
fn patterns(texts: &[&str], limit: usize) -> Vec<Regex> {
    let compile = |pattern: &str, limit| RegexBuilder::new(pattern).size_limit(limit).dfa_size_limit(LARGEST).build();
    let encodings: Vec<String> = texts.iter().flat_map(|text| forms(text)).collect();
    match (compile(&encodings.join("|"), limit), texts) {
        (Ok(pattern), _) => vec![pattern],
        (Err(_), []) => Vec::new(),
        (Err(_), [text]) => compile(&regex::escape(text), usize::MAX).into_iter().collect(),
        (Err(_), texts) => {
            let (some, others) = texts.split_at(texts.len() / 2);
            [patterns(some, limit), patterns(others, limit)].concat()
        }
    }
}

/// Patterns for all encodings of a secret.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![escaped(text), hex(text)];
    // Base64 turns three bytes into four letters, so within a longer encoded text a secret may start at any of three
    // alignments.
    for (before, first) in [(&b""[..], 0), (b"\0", 2), (b"\0\0", 3)] {
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode([before, text.as_bytes()].concat());
            // Letters that also carry bits of adjacent bytes are left out.
            let last = (before.len() + text.len()) * 8 / 6;
            forms.push(regex::escape(encoded.get(first..last).unwrap_or(&encoded)));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Matches the text verbatim, or with any character percent-encoded (once or twice) or as a JSON escape.
fn escaped(text: &str) -> String {
    let one = |byte: u8| {
        let [high, low] = [byte >> 4, byte & 15].map(digit);
        let percent = format!("%(?:25)?{high}{low}");
        match byte {
            b'/' => format!(r"(?:\\?/|{percent}|\\u00{high}{low})"),
            _ if byte.is_ascii() => {
                format!(r"(?:{}|{percent}|\\u00{high}{low})", regex::escape(&char::from(byte).to_string()))
            }
            _ => format!("(?:{percent})"),
        }
    };
    if text.is_ascii() { text.bytes().map(one).collect() } else { regex::escape(text) }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| [byte >> 4, byte & 15].map(digit).concat()).collect()
}

/// Matches one hexadecimal digit in either case.
fn digit(value: u8) -> String {
    match char::from_digit(value.into(), 16) {
        Some(letter @ 'a'..='f') => format!("[{letter}{}]", letter.to_ascii_uppercase()),
        other => other.unwrap_or_default().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk/canary+key-0123456789_x";

    fn redacted(text: &str) -> String {
        Redaction::of(&[Secret::new(KEY), Secret::new("another-secret-000"), Secret::new("no")]).apply(text)
    }

    #[test]
    fn any_encoding_is_masked() {
        let percent: String = KEY.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let usual = KEY.replace('/', "%2F").replace('+', "%2b");
        let twice = usual.replace('%', "%25");
        let json: String = KEY.bytes().map(|byte| format!("\\u00{byte:02x}")).collect();
        let hex: String = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [KEY, &percent, &usual, &twice, &json, &hex, &KEY.replace('/', "\\/")] {
            assert_eq!(redacted(&format!("before {form} after")), format!("before {MASK} after"), "{form}");
        }
        for before in ["", "u", "us", "user", "user:"] {
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let encoded = engine.encode(format!("{before}{KEY}:tail"));
                let shown = redacted(&encoded);
                assert!(shown.contains(MASK) && shown.len() < encoded.len() - 20, "{before}: {shown}");
            }
        }
    }

    #[test]
    fn documents_stay_documents() {
        let redaction = Redaction::of(&[Secret::new("1234567890"), Secret::new(KEY)]);
        let mut document = serde_json::json!({ KEY: [KEY, 1234567890, 12, null], "kept": { "n": 0.5 } });
        redaction.over(&mut document);
        assert_eq!(document, serde_json::json!({ MASK: [MASK, MASK, 12, null], "kept": { "n": 0.5 } }));
    }

    #[test]
    fn secrets_too_long_for_one_pattern_are_masked_too() {
        let long = "0123456789abcdef".repeat(40);
        let secrets = [KEY, &long, "another-secret-000"];
        let redaction = Redaction { patterns: patterns(&secrets, 64 * 1024), shortest: SHORTEST };
        assert!(redaction.patterns.len() > 1, "the limit must be too small for one pattern");
        for secret in secrets {
            assert_eq!(redaction.apply(&format!("before {secret} after")), format!("before {MASK} after"));
        }
    }

    #[test]
    fn the_rest_stands() {
        let text = "no one says sk/canary, nor AQ. or AIza; another-secret-00 is none";
        assert_eq!(redacted(text), text);
        assert_eq!(redacted("AIzaSyD0123456789012345678901234567890123"), MASK);
    }
}
