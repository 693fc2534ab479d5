//! String functions for scripts. Each runs in linear time and has bounded output; the bound is checked before the
//! output is built.

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString as Text};

use crate::plugin::sandbox::LONGEST_STRING;

/// Maximum number of pieces from splitting a text.
const MOST_PIECES: usize = 5_000;

/// Registers these functions with the engine.
pub fn register(engine: &mut Engine) {
    engine
        // Concatenation of a string and another type, for building messages. The engine itself concatenates two
        // strings, within its limit.
        .register_fn("+", |text: Text, number: i64| format!("{text}{number}"))
        .register_fn("+", |number: i64, text: Text| format!("{number}{text}"))
        .register_fn("+", |text: Text, number: f64| format!("{text}{number}"))
        .register_fn("+", |text: Text, flag: bool| format!("{text}{flag}"))
        .register_fn("len", |text: &mut Text| text.chars().count() as i64)
        .register_get("len", |text: &mut Text| text.chars().count() as i64)
        .register_fn("is_empty", |text: &mut Text| text.is_empty())
        .register_fn("contains", |text: &mut Text, part: Text| text.contains(part.as_str()))
        .register_fn("starts_with", |text: &mut Text, part: Text| text.starts_with(part.as_str()))
        .register_fn("ends_with", |text: &mut Text, part: Text| text.ends_with(part.as_str()))
        .register_fn("index_of", |text: &mut Text, part: Text| {
            text.find(part.as_str()).and_then(|at| text.get(..at)).map_or(-1, |before| before.chars().count() as i64)
        })
        .register_fn("to_lower", |text: &mut Text| text.to_lowercase())
        .register_fn("to_upper", |text: &mut Text| text.to_uppercase())
        // Unlike Rhai's own `trim`, this returns the result instead of changing the text in place: arguments are
        // copies anyway.
        .register_fn("trim", |text: &mut Text| text.trim().to_owned())
        .register_fn("sub_string", |text: &mut Text, start: i64, length: i64| sub_string(text, start, length))
        .register_fn("sub_string", |text: &mut Text, start: i64| sub_string(text, start, i64::MAX))
        .register_fn("split", |text: &mut Text, at: Text| split(text, &at))
        .register_fn("replace", |text: &mut Text, old: Text, new: Text| replace(text, &old, &new))
        .register_fn("join", |parts: &mut Array, between: Text| join(parts, &between))
        .register_fn("parse_int", |text: &mut Text| text.trim().parse::<i64>().map_or(Dynamic::UNIT, Dynamic::from))
        .register_fn("parse_float", |text: &mut Text| text.trim().parse::<f64>().map_or(Dynamic::UNIT, Dynamic::from));
}

fn sub_string(text: &str, start: i64, length: i64) -> String {
    let start = usize::try_from(start).unwrap_or(0);
    text.chars().skip(start).take(usize::try_from(length).unwrap_or(0)).collect()
}

fn split(text: &str, at: &str) -> Result<Array, Box<EvalAltResult>> {
    if at.is_empty() {
        return Err("split: the separator is empty".into());
    }
    if text.matches(at).take(MOST_PIECES).count() >= MOST_PIECES {
        return Err(format!("split: more than {MOST_PIECES} pieces").into());
    }
    Ok(text.split(at).map(|piece| Dynamic::from(piece.to_owned())).collect())
}

fn replace(text: &str, old: &str, new: &str) -> Result<String, Box<EvalAltResult>> {
    if old.is_empty() {
        return Err("replace: the text to replace is empty".into());
    }
    let count = text.matches(old).count();
    let grown = text.len().saturating_add(count.saturating_mul(new.len()));
    if grown.saturating_sub(count * old.len()) > LONGEST_STRING {
        return Err(too_long());
    }
    Ok(text.replace(old, new))
}

fn join(parts: &Array, between: &str) -> Result<String, Box<EvalAltResult>> {
    let mut joined = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            joined.push_str(between);
        }
        joined.push_str(&part.to_string());
        if joined.len() > LONGEST_STRING {
            return Err(too_long());
        }
    }
    Ok(joined)
}

fn too_long() -> Box<EvalAltResult> {
    format!("the text would be longer than {LONGEST_STRING} bytes").into()
}
