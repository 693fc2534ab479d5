//! Converts a tool's result to the object that Gemini requires. Numbers keep every digit, because what is passed on is
//! never parsed.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::wire::gemini::request::FunctionResult;
use crate::wire::json::{Json, Shape, Text};

/// Returns the `response` of a tool that returned these texts: a JSON object as it is, anything else under `result`.
pub fn response(texts: Vec<Text<'_>>) -> FunctionResult<'_> {
    match one(texts) {
        // Text that cannot be JSON is not an object, so it is passed on without decoding.
        Text::Raw(raw) if !may_be_json(raw) => FunctionResult::Text(RESULT, Text::Raw(raw)),
        text => match object(&text.decoded()) {
            Some(object) => FunctionResult::Object(object),
            None => FunctionResult::Text(RESULT, text),
        },
    }
}

/// Returns the `response` of a tool that failed.
pub fn error(texts: Vec<Text<'_>>) -> FunctionResult<'_> {
    FunctionResult::Text("error", one(texts))
}

const RESULT: &str = "result";

/// Joins all texts, each on a line of its own.
fn one(mut texts: Vec<Text<'_>>) -> Text<'_> {
    texts.retain(|text| !text.is_empty());
    match texts.len() {
        0 | 1 => texts.pop().unwrap_or_else(|| Text::from("")),
        _ => texts.iter().map(Text::decoded).collect::<Vec<Cow<'_, str>>>().join("\n").into(),
    }
}

/// Whether this text may be JSON, judging by how it begins.
fn may_be_json(text: &RawValue) -> bool {
    let first = text.get().trim_start_matches('"').trim_start().chars().next();
    match first {
        // An escape may stand for any character.
        Some('{' | '[' | '-' | '0'..='9' | '\\') => true,
        // A JSON literal, with at most a little white space.
        Some('t' | 'f' | 'n') => text.get().len() < 32,
        _ => false,
    }
}

/// Returns the object that this text is, or an object that wraps the JSON value it is.
fn object(text: &str) -> Option<Json<'static>> {
    #[derive(Serialize)]
    struct Wrapped<'a> {
        result: &'a RawValue,
    }
    let Some(Json::Own(raw)) = Json::parse(text.trim()) else { return None };
    match Shape::of(&raw) {
        // Gemini reads an object whose only key is `$ref` as a pointer to a part of the response.
        Shape::Object | Shape::Array if holds_pointer(raw.get()) => None,
        Shape::Object => Some(Json::Own(raw)),
        _ => Some(Json::from_value(&Wrapped { result: &raw })),
    }
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
            ("true", r#"{"result":true}"#),
            ("\u{a0}\n{}", "{}"),
            ("not \"so\"\n", r#"{"result":"not \"so\"\n"}"#),
            ("12 ways", r#"{"result":"12 ways"}"#),
            ("", r#"{"result":""}"#),
            (r#""quoted""#, r#"{"result":"quoted"}"#),
            ("null", r#"{"result":null}"#),
            (" {\"a\": 1} ", r#"{"a": 1}"#),
            (r##"{"schema":{"$ref":"#/defs/X"}}"##, r##"{"result":"{\"schema\":{\"$ref\":\"#/defs/X\"}}"}"##),
            (r##"{"$ref":"a","b":1}"##, r##"{"$ref":"a","b":1}"##),
            (r##"[{"$ref":"a"}]"##, r##"{"result":"[{\"$ref\":\"a\"}]"}"##),
        ] {
            let raw = RawValue::from_string(serde_json::to_string(text).unwrap()).unwrap();
            for text in [Text::from(text), Text::Raw(&raw)] {
                assert_eq!(serde_json::to_string(&response(vec![text])).unwrap(), expected);
            }
        }
    }
}
