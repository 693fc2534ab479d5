//! Texts that go out although a client or Google has written them: every secret that is configured is masked in them, as it is and in the
//! encodings that it may have travelled in.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::{NoExpand, Regex, RegexBuilder};
use serde_json::Value;

use super::{MASK, Secret, scrub_google_keys};

/// Secrets of one pattern: a pattern of all would grow beyond what is compiled gladly.
const TOGETHER: usize = 16;
/// The largest pattern, compiled, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;
/// What is shorter is a word rather than a secret: to mask it would mask half a text.
const SHORTEST: usize = 6;

/// What masks secrets in a text.
pub struct Redaction {
    patterns: Vec<Regex>,
    /// How long a text is, in bytes, that can hold any of them.
    shortest: usize,
}

impl Redaction {
    /// Of these secrets.
    pub fn of(secrets: &[Secret]) -> Self {
        let secrets: Vec<&str> = secrets.iter().map(Secret::expose).filter(|text| text.len() >= SHORTEST).collect();
        let pattern = |texts: &[&str]| {
            let forms: Vec<String> = texts.iter().flat_map(|text| forms(text)).collect();
            RegexBuilder::new(&forms.join("|")).size_limit(LARGEST).dfa_size_limit(LARGEST).build().ok()
        };
        let shortest = secrets.iter().map(|text| text.len()).min().unwrap_or(usize::MAX);
        Self { patterns: secrets.chunks(TOGETHER).filter_map(pattern).collect(), shortest }
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The text without any of them, and without anything shaped like a Google key.
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

    /// The same for all texts of a document.
    pub fn over(&self, document: &mut Value) {
        match document {
            Value::String(text) => *text = self.apply(text),
            // A secret may be nothing but digits.
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

/// Patterns of all forms of a secret.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![escaped(text), hex(text)];
    // Inside of a longer text that was encoded, where three bytes are four letters, a secret may begin at any of three places.
    for (before, first) in [(&b""[..], 0), (b"\0", 2), (b"\0\0", 3)] {
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode([before, text.as_bytes()].concat());
            // Letters that hold bits of a neighbour are anybody's.
            let last = (before.len() + text.len()) * 8 / 6;
            forms.push(regex::escape(encoded.get(first..last).unwrap_or(&encoded)));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// As it is, with any of its characters percent-encoded or as an escape of JSON.
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

/// One hexadecimal digit, in either case.
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
    fn the_rest_stands() {
        let text = "no one says sk/canary, nor AQ. or AIza; another-secret-00 is none";
        assert_eq!(redacted(text), text);
        assert_eq!(redacted("AIzaSyD0123456789012345678901234567890123"), MASK);
    }
}
