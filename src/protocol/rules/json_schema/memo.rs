//! Remembers what schemas were compiled to. Agents send the same tools with every request, and compiling them takes
//! longer than translating everything else in it. Only the result of a pure function is remembered, so nobody can tell
//! whether it was.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use serde_json::value::RawValue;

use crate::wire::json::Json;

/// The longest schema that is remembered, in bytes.
const LONGEST: usize = 32 * 1024;
/// The most bytes that are remembered: schemas and what they were compiled to.
const MOST: usize = 4 * 1024 * 1024;
/// What an entry costs besides its texts, in bytes.
const ENTRY: usize = 64;

/// Compiled schemas by their text, for one kind of field.
pub struct Memo(LazyLock<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    /// What each schema was compiled to; None if it stays as it is.
    compiled: HashMap<Box<str>, Option<Arc<RawValue>>, RandomState>,
    bytes: usize,
}

impl Memo {
    /// Remembers nothing yet.
    pub const fn new() -> Self {
        Self(LazyLock::new(Mutex::default))
    }

    /// Returns what the schema is compiled to: what is remembered, or what `compile` returns.
    pub fn get_or_compile<'a>(&self, schema: &'a RawValue, compile: impl FnOnce() -> Json<'a>) -> Json<'a> {
        if schema.get().len() > LONGEST {
            return compile();
        }
        // Compiling takes place outside the lock. If two do so at once, they come to the same result.
        let known = self.entries().compiled.get(schema.get()).cloned();
        match known {
            Some(None) => Json::Raw(schema),
            Some(Some(compiled)) => Json::Shared(compiled),
            None => {
                let compiled = compile();
                self.entries().remember(schema.get(), &compiled);
                compiled
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Forgets all when there is no room left: what is in use is soon remembered again.
    fn remember(&mut self, schema: &str, compiled: &Json<'_>) {
        let compiled = match compiled {
            Json::Raw(_) => None,
            Json::Own(compiled) => Some(Arc::from(compiled.clone())),
            Json::Shared(compiled) => Some(Arc::clone(compiled)),
        };
        let size = ENTRY + schema.len() + compiled.as_ref().map_or(0, |compiled| compiled.get().len());
        if self.bytes + size > MOST {
            *self = Self::default();
        }
        if self.compiled.insert(schema.into(), compiled).is_none() {
            self.bytes += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: impl Into<String>) -> Box<RawValue> {
        RawValue::from_string(text.into()).unwrap()
    }

    #[test]
    fn a_schema_is_compiled_once() {
        let memo = Memo::new();
        let (same, other) = (raw(r#"{"type":"string"}"#), raw(r#"{"const":1}"#));
        assert_eq!(memo.get_or_compile(&same, || Json::Raw(&same)).get(), same.get());
        assert_eq!(memo.get_or_compile(&other, || Json::Own(raw(r#"{"enum":[1]}"#))).get(), r#"{"enum":[1]}"#);
        let never = || unreachable!("it is known");
        assert_eq!(memo.get_or_compile(&same, never).get(), same.get());
        assert_eq!(memo.get_or_compile(&raw(other.get()), never).get(), r#"{"enum":[1]}"#);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let memo = Memo::new();
        let long = raw(format!("\"{}\"", "x".repeat(LONGEST)));
        memo.get_or_compile(&long, || Json::Raw(&long));
        assert_eq!(memo.entries().bytes, 0, "too long to be remembered");
        for number in 0..2 * MOST / 1024 {
            let schema = raw(format!("\"{number} {}\"", "x".repeat(1024)));
            memo.get_or_compile(&schema, || Json::Own(raw(schema.get())));
            let entries = memo.entries();
            let counted = |text: &str| ENTRY + 2 * text.len();
            assert_eq!(entries.bytes, entries.compiled.keys().map(|text| counted(text)).sum::<usize>());
            assert!(entries.bytes <= MOST);
            assert!(entries.compiled.contains_key(schema.get()), "the last one is always known");
        }
    }
}
