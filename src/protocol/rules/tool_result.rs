//! What a tool returned, as the object Gemini wants. Numbers keep every digit: nothing is parsed that is passed on.

use serde::Serialize;
use serde_json::Value;

use crate::wire::json::{Json, Shape};

/// The `response` of a tool that returned this text: a JSON object as it is, anything else under `result`.
pub fn response(text: &str) -> Json<'static> {
    match Json::parse(text.trim()) {
        Some(Json::Own(raw)) => match Shape::of(&raw) {
            // Gemini reads an object whose only key is `$ref` as a pointer to a part of the response.
            Shape::Object | Shape::Array if holds_pointer(raw.get()) => result(&text),
            Shape::Object => Json::Own(raw),
            _ => result(&raw),
        },
        _ => result(&text),
    }
}

/// The `response` of a tool that failed.
pub fn error(text: &str) -> Json<'static> {
    Json::from_value(&serde_json::json!({ "error": text }))
}

fn result<T: Serialize + ?Sized>(value: &T) -> Json<'static> {
    #[derive(Serialize)]
    struct Wrapped<'a, T: ?Sized> {
        result: &'a T,
    }
    Json::from_value(&Wrapped { result: value })
}

fn holds_pointer(text: &str) -> bool {
    fn found(value: &Value) -> bool {
        match value {
            Value::Object(map) => (map.len() == 1 && map.contains_key("$ref")) || map.values().any(found),
            Value::Array(items) => items.iter().any(found),
            _ => false,
        }
    }
    memchr::memmem::find(text.as_bytes(), br#""$ref""#).is_some()
        && serde_json::from_str(text).is_ok_and(|value| found(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_an_object_digits_intact() {
        for (text, expected) in [
            (r#"{"id":9007199254740993}"#, r#"{"id":9007199254740993}"#),
            (r#"{"id":123456789012345678901234567890}"#, r#"{"id":123456789012345678901234567890}"#),
            ("[1,2]", r#"{"result":[1,2]}"#),
            ("plain", r#"{"result":"plain"}"#),
            ("", r#"{"result":""}"#),
            (r#""quoted""#, r#"{"result":"quoted"}"#),
            ("null", r#"{"result":null}"#),
            (" {\"a\": 1} ", r#"{"a": 1}"#),
            (r##"{"schema":{"$ref":"#/defs/X"}}"##, r##"{"result":"{\"schema\":{\"$ref\":\"#/defs/X\"}}"}"##),
            (r##"{"$ref":"a","b":1}"##, r##"{"$ref":"a","b":1}"##),
        ] {
            assert_eq!(response(text).get(), expected, "{text}");
        }
    }
}
