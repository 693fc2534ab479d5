//! Expected results of a test case, and their comparison with the actual ones.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::Case;

/// All names that a case can use under `expect`.
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
/// Expects a body to stay identical, byte for byte.
const UNCHANGED: &str = "unchanged";

/// What a case expects, which of it has been seen, and what did not match.
pub struct Expected<'e> {
    expected: Option<&'e Map<String, Value>>,
    seen: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

impl<'e> Expected<'e> {
    /// Expects all of this.
    pub fn new(expected: &'e Map<String, Value>) -> Self {
        let unknown = expected.keys().find(|name| !NAMES.contains(&name.as_str()));
        let wrong =
            unknown.map(|name| format!("`expect.{name}` cannot be expected; possible are `{}`", NAMES.join("`, `")));
        Self { expected: Some(expected), seen: BTreeSet::new(), wrong: wrong.into_iter().collect() }
    }

    /// Expects nothing, and reports nothing.
    pub fn unchecked() -> Self {
        Self { expected: None, seen: BTreeSet::new(), wrong: Vec::new() }
    }

    /// Records an actual result, and compares it with the expected one.
    pub fn see(&mut self, name: &'static str, actual: &Value) {
        self.seen.insert(name);
        let Some(expected) = self.expected else { return };
        match expected.get(name) {
            Some(expected) => self.wrong.extend(differs(&format!("expect.{name}"), expected, actual)),
            // Outcomes that are failures unless the case expects them.
            None if matches!(name, "rejected" | "reply" | "fails") => {
                let name = if name == "fails" { "the plugin fails" } else { name };
                self.wrong.push(format!("{name}: {actual}"));
            }
            None => {}
        }
    }

    /// Records an edited body. If the case expects it unchanged, compares the bytes with those before.
    pub fn see_body(&mut self, name: &'static str, before: &Bytes, after: &Bytes) {
        let unchanged = self.expected.and_then(|expected| expected.get(name)).is_some_and(|value| value == UNCHANGED);
        if !unchanged {
            return self.see(name, &serde_json::from_slice(after).unwrap_or_default());
        }
        self.seen.insert(name);
        if before != after {
            self.wrong
                .push(format!("expect.{name}: must be unchanged, but becomes {}", String::from_utf8_lossy(after)));
        }
    }

    /// Records the model's output. `how` says in a mismatch whether it was streamed.
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

    /// Returns what did not match, if anything.
    pub fn verdict(mut self) -> Option<String> {
        for name in self.expected.into_iter().flat_map(Map::keys) {
            if NAMES.contains(&name.as_str()) && !self.seen.contains(name.as_str()) {
                self.wrong.push(format!("expect.{name}: this was not reached"));
            }
        }
        (!self.wrong.is_empty()).then(|| self.wrong.join("; "))
    }
}

/// Judges the case of a plugin that does not load with its settings: returns what is wrong, or None if the case
/// expects these words.
pub fn refused(case: &Case, problems: &str) -> Option<String> {
    match case.expect.get("refused") {
        Some(Value::String(words)) if problems.contains(words.as_str()) => None,
        Some(_) => Some(format!("it is rejected with another message: {problems}")),
        None => Some(problems.to_owned()),
    }
}

/// Returns the first mismatch between the expected and the actual value. A table must contain at least the expected
/// names; a name that begins with `/` is a JSON pointer; `"absent"` expects that there is no value. Lists and all
/// other values must be equal.
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

/// Stands for null, which TOML does not have.
const ABSENT: &str = "absent";
