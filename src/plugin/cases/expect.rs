//! What must come of a case, and whether it did.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::Case;

/// Everything that can be expected.
const NAMES: &[&str] = &[
    "request",
    "model",
    "reply",
    "rejected",
    "refused",
    "fails",
    "route",
    "up",
    "failure",
    "text",
    "reasoning",
    "arguments",
    "chunks",
    "answer",
    "response",
    "error",
    "models",
    "log",
];
/// A body that must stay as it is, to the byte.
const UNCHANGED: &str = "unchanged";

/// What is expected, and what of it was seen.
pub struct Expected<'e> {
    expected: Option<&'e Map<String, Value>>,
    seen: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

impl<'e> Expected<'e> {
    /// All of this.
    pub fn new(expected: &'e Map<String, Value>) -> Self {
        let unknown = expected.keys().find(|name| !NAMES.contains(&name.as_str()));
        let wrong = unknown
            .map(|name| format!("`expect.{name}` is nothing that can be expected; there is `{}`", NAMES.join("`, `")));
        Self { expected: Some(expected), seen: BTreeSet::new(), wrong: wrong.into_iter().collect() }
    }

    /// Nothing at all, and nothing is wrong.
    pub fn unchecked() -> Self {
        Self { expected: None, seen: BTreeSet::new(), wrong: Vec::new() }
    }

    /// This came of it.
    pub fn see(&mut self, name: &'static str, actual: &Value) {
        self.seen.insert(name);
        let Some(expected) = self.expected else { return };
        match expected.get(name) {
            Some(expected) => self.wrong.extend(differs(&format!("expect.{name}"), expected, actual)),
            // An end that nobody expected.
            None if matches!(name, "rejected" | "reply" | "fails") => {
                let name = if name == "fails" { "the plugin fails" } else { name };
                self.wrong.push(format!("{name}: {actual}"));
            }
            None => {}
        }
    }

    /// This body came of that one.
    pub fn see_body(&mut self, name: &'static str, before: &Bytes, after: &Bytes) {
        let unchanged = self.expected.and_then(|expected| expected.get(name)).is_some_and(|value| value == UNCHANGED);
        if !unchanged {
            return self.see(name, &serde_json::from_slice(after).unwrap_or_default());
        }
        self.seen.insert(name);
        if before != after {
            self.wrong
                .push(format!("expect.{name}: must stay as it is, and becomes {}", String::from_utf8_lossy(after)));
        }
    }

    /// This is what was said.
    pub fn see_spoken(&mut self, how: &str, said: &Value) {
        for name in ["text", "reasoning", "arguments"] {
            let before = self.wrong.len();
            if self.expected.is_some_and(|expected| expected.contains_key(name)) {
                self.see(name, &said[name]);
            }
            if self.wrong.len() > before
                && let Some(wrong) = self.wrong.last_mut()
            {
                wrong.push_str(&format!(", {how}"));
            }
        }
    }

    /// What is wrong, if anything.
    pub fn verdict(mut self) -> Option<String> {
        for name in self.expected.into_iter().flat_map(Map::keys) {
            if NAMES.contains(&name.as_str()) && !self.seen.contains(name.as_str()) {
                self.wrong.push(format!("expect.{name}: it never came to that"));
            }
        }
        (!self.wrong.is_empty()).then(|| self.wrong.join("; "))
    }
}

/// The case of a plugin that does not load with its settings.
pub fn refused(case: &Case, problems: &str) -> Option<String> {
    match case.expect.get("refused") {
        Some(Value::String(words)) if problems.contains(words.as_str()) => None,
        Some(_) => Some(format!("it is refused with other words: {problems}")),
        None => Some(problems.to_owned()),
    }
}

/// Where what came of it is not what was expected. A table holds at least what is expected of it; a name that begins with `/` is a
/// pointer into it; `"absent"` expects nothing there. Lists and all else are the same.
fn differs(place: &str, expected: &Value, actual: &Value) -> Option<String> {
    match (expected, actual) {
        (Value::Object(wanted), _) => wanted.iter().find_map(|(name, wanted)| {
            let found = if name.starts_with('/') { actual.pointer(name) } else { actual.get(name) };
            let place = if name.starts_with('/') { format!("{place}.\"{name}\"") } else { format!("{place}.{name}") };
            differs(&place, wanted, found.unwrap_or(&Value::Null))
        }),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            (wanted.iter().zip(found).enumerate())
                .find_map(|(at, (wanted, found))| differs(&format!("{place}[{at}]"), wanted, found))
        }
        (Value::String(absent), Value::Null) if absent == ABSENT => None,
        (Value::Number(wanted), Value::Number(found)) if wanted.as_f64() == found.as_f64() => None,
        (wanted, found) if wanted == found => None,
        (wanted, found) => Some(format!("{place}: must be {wanted}, is {found}")),
    }
}

/// TOML has no null.
const ABSENT: &str = "absent";
