//! A JSON body as scripts see it: a handle, not a copy. It is parsed on first access and serialised again only if it
//! was changed. An untouched body keeps its exact bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rhai::{Array, Dynamic, Engine, ImmutableString as Text};
use serde_json::Value;

use super::Answer;
use super::dialect::{self, BodyKind};
use crate::plugin::diff::differences;
use crate::wire::json;

/// A body. Clones share the document, because scripts pass arguments by value.
#[derive(Clone, Debug)]
pub struct Body(Arc<Mutex<Document>>);

#[derive(Debug)]
struct Document {
    dialect: BodyKind,
    bytes: Bytes,
    /// The model, if the request's URL names it instead of its body.
    model: Option<String>,
    value: Option<Value>,
    /// How many texts were read without parsing the document.
    peeks: u8,
    changed: bool,
    dropped: bool,
}

/// How many texts are read without parsing the document. For more, parsing it once is cheaper.
const MAX_PEEKS: u8 = 2;

impl Body {
    /// Creates a handle for these bytes.
    pub fn new(dialect: BodyKind, bytes: Bytes) -> Self {
        Self::addressed(dialect, bytes, None)
    }

    /// Creates a handle for the body of a request whose URL names its model.
    pub fn addressed(dialect: BodyKind, bytes: Bytes, model: Option<String>) -> Self {
        let (value, peeks, changed, dropped) = Default::default();
        Self(Arc::new(Mutex::new(Document { dialect, bytes, model, value, peeks, changed, dropped })))
    }

    /// Returns the model from the request's URL, including any change by scripts.
    pub fn model_in_address(&self) -> Option<String> {
        self.lock().model.clone()
    }

    /// Returns the bytes: the original ones if nothing was changed, None if the script dropped the body.
    pub fn into_bytes(self) -> Option<Bytes> {
        let document = self.lock();
        if document.dropped {
            return None;
        }
        Some(match &document.value {
            Some(value) if document.changed => value.to_string().into(),
            _ => document.bytes.clone(),
        })
    }

    /// Returns the JSON pointers of what was changed.
    pub fn changes(&self) -> Vec<String> {
        let document = self.lock();
        if document.dropped {
            return vec!["the whole body (dropped)".to_owned()];
        }
        let before: Value = serde_json::from_slice(&document.bytes).unwrap_or_default();
        let after = document.value.as_ref().filter(|_| document.changed).unwrap_or(&before);
        differences(&before, after).into_iter().map(|difference| difference.pointer).collect()
    }

    /// Returns a text by its short name (`model`, `text`, …).
    fn text(&self, name: &str) -> Answer<String> {
        if name == "model"
            && let Some(model) = self.model_in_address()
        {
            return Ok(model);
        }
        if let Some(text) = self.peek_text(name) {
            return Ok(text);
        }
        self.read(|dialect, value| dialect::text(dialect, name, value))
    }

    /// Returns a text without parsing the document, where that is possible.
    fn peek_text(&self, name: &str) -> Option<String> {
        let mut document = self.lock();
        if document.value.is_some() || document.peeks == MAX_PEEKS {
            return None;
        }
        document.peeks += 1;
        dialect::peek_text(document.dialect, name, &document.bytes)
    }

    fn set_text(&self, name: &str, new: &str) -> Answer<()> {
        if name == "model"
            && let Some(model) = &mut self.lock().model
        {
            new.clone_into(model);
            return Ok(());
        }
        self.change(
            |dialect, value| dialect::text(dialect, name, value).is_ok_and(|old| *old == *new),
            |dialect, value| dialect::set_text(dialect, name, value, new),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Document> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `reader` on the parsed document.
    pub(super) fn read<T>(&self, reader: impl FnOnce(BodyKind, &Value) -> Answer<T>) -> Answer<T> {
        self.walk(|dialect, value| reader(dialect, value))
    }

    /// Runs `walker` on the parsed document, which it must leave as it is.
    fn walk<T>(&self, walker: impl FnOnce(BodyKind, &mut Value) -> Answer<T>) -> Answer<T> {
        let mut document = self.lock();
        let dialect = document.dialect;
        walker(dialect, document.parsed()?)
    }

    /// Runs `change` on the parsed document. `same` returns whether the document already has the new value: Rhai
    /// writes a property back even if the script only calls a method on it, and that must not count as a change.
    pub(super) fn change(
        &self,
        same: impl FnOnce(BodyKind, &mut Value) -> bool,
        change: impl FnOnce(BodyKind, &mut Value) -> Answer<()>,
    ) -> Answer<()> {
        let mut document = self.lock();
        let dialect = document.dialect;
        let value = document.parsed()?;
        if !same(dialect, value) {
            change(dialect, value)?;
            document.changed = true;
        }
        Ok(())
    }
}

impl Document {
    fn parsed(&mut self) -> Answer<&mut Value> {
        if self.value.is_none() {
            let value = json::read_slice(&self.bytes).map_err(|_| "the body is not valid JSON")?;
            self.value = Some(value);
        }
        self.value.as_mut().ok_or_else(|| "the body is not valid JSON".into())
    }
}

/// Registers the handle with the engine.
pub fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Body>("Body")
        .register_fn("get", |body: &mut Body, pointer: Text| body.read(|_, value| get(value, &pointer)))
        .register_fn("set", |body: &mut Body, pointer: Text, new: Dynamic| {
            body.change(|_, _| false, |_, value| set(value, &pointer, json(&new)?))
        })
        .register_fn("remove", |body: &mut Body, pointer: Text| {
            body.change(|_, _| false, |_, value| remove(value, &pointer))
        })
        .register_fn("to_map", |body: &mut Body| body.read(|_, value| dynamic(value)))
        .register_fn("drop", |body: &mut Body| {
            let mut document = body.lock();
            if document.dialect != BodyKind::GeminiChunk {
                return Err("only a chunk can be dropped".into());
            }
            document.dropped = true;
            Answer::Ok(())
        });
    for name in dialect::TEXTS {
        engine
            .register_get(*name, |body: &mut Body| body.text(name))
            .register_set(*name, |body: &mut Body, new: Text| body.set_text(name, &new));
    }
    engine
        .register_get("calls", |body: &mut Body| body.read(|dialect, value| dynamic(&dialect::calls(dialect, value)?)))
        .register_get("texts", |body: &mut Body| {
            let texts = body.walk(dialect::texts)?;
            Answer::Ok(texts.into_iter().map(Dynamic::from).collect::<Array>())
        })
        .register_set("texts", |body: &mut Body, new: Array| {
            let new: Result<Vec<String>, _> = new.into_iter().map(Dynamic::into_string).collect();
            let new = new.map_err(|kind| format!("`texts` takes only texts, not {kind}"))?;
            body.change(
                |dialect, value| dialect::texts(dialect, value).is_ok_and(|old| old == new),
                |dialect, value| dialect::set_texts(dialect, value, new.clone()),
            )
        });
}

pub(super) fn get(value: &Value, pointer: &str) -> Answer<Dynamic> {
    value.pointer(pointer).map_or(Ok(Dynamic::UNIT), dynamic)
}

/// Sets the value at a pointer. Missing objects along the path are created; `-` after an array's pointer appends to
/// the array.
pub(super) fn set(value: &mut Value, pointer: &str, new: Value) -> Answer<()> {
    let mut here = value;
    for step in steps(pointer)? {
        if here.is_null() {
            *here = if step == "-" { Value::Array(Vec::new()) } else { Value::Object(serde_json::Map::new()) };
        }
        here = match here {
            Value::Array(items) => {
                let index = if step == "-" { Ok(items.len()) } else { step.parse::<usize>() };
                let index = index.map_err(|_| format!("`{step}` is not a position in an array"))?;
                if step == "-" {
                    items.push(Value::Null);
                }
                items.get_mut(index).ok_or_else(|| format!("the array has no position {index}"))?
            }
            Value::Object(map) => map.entry(step).or_insert(Value::Null),
            _ => return Err(format!("`{pointer}` leads through a value that is neither object nor array").into()),
        };
    }
    *here = new;
    Ok(())
}

fn remove(value: &mut Value, pointer: &str) -> Answer<()> {
    let mut steps = steps(pointer)?;
    let last = steps.pop().ok_or("the whole body cannot be removed")?;
    let parent: String = steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect();
    match value.pointer_mut(&parent) {
        Some(Value::Object(map)) => drop(map.shift_remove(&last)),
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse().ok().filter(|index: &usize| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
    Ok(())
}

fn steps(pointer: &str) -> Answer<Vec<String>> {
    match pointer.strip_prefix('/') {
        None if pointer.is_empty() => Ok(Vec::new()),
        None => Err(format!("`{pointer}` is not a JSON pointer: it begins with `/`").into()),
        Some(rest) => Ok(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()),
    }
}

/// Converts a JSON value to a script value.
pub fn dynamic(value: &Value) -> Answer<Dynamic> {
    rhai::serde::to_dynamic(value)
}

/// Converts a script value to JSON.
pub fn json(value: &Dynamic) -> Answer<Value> {
    rhai::serde::from_dynamic(value)
}
