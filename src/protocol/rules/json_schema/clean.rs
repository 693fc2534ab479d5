//! Cleans schemas for the fields that accept JSON Schema: `parametersJsonSchema`, `responseJsonSchema`.
//!
//! Gemini ignores keywords it does not know. What it would ignore is moved into a description, where the model can read
//! it. Only keywords are changed, never the names of properties; the order of keys is kept, because the model answers
//! in that order.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::scan::needs_cleaning;
use super::{Place, TO_DESCRIPTION, describe, merge_all_of, plain};
use crate::wire::json::{self, Json};

/// The maximum nesting that is cleaned; what lies deeper is passed on as it is.
const DEEPEST: usize = 64;

/// Keywords about the schema itself, not about the data it describes.
pub const ASIDE: &[&str] = &[
    "$schema",
    "$comment",
    "$vocabulary",
    "examples",
    "example",
    "readOnly",
    "writeOnly",
    "deprecated",
    "discriminator",
    "xml",
    "externalDocs",
    "strict",
];

/// Keywords that have no meaning to Gemini.
pub const DROPPED: &[&str] = &[
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentEncoding",
    "contentMediaType",
    "minContains",
    "maxContains",
];

/// Formats that Gemini's decoder enforces; the others are moved into the description.
pub const FORMATS: &[&str] = &["date-time", "date", "time"];

/// Returns the cleaned schema. A schema without keywords that need cleaning is passed on byte for byte.
pub fn clean<'a>(schema: &'a RawValue, place: &Place<'_>) -> Json<'a> {
    if !needs_cleaning(schema.get()) {
        return Json::Raw(schema);
    }
    match json::read(schema.get()) {
        Ok(value) => Json::from_value(&node(value, place, 0)),
        Err(_) => Json::Raw(schema),
    }
}

fn node(schema: Value, place: &Place<'_>, depth: usize) -> Value {
    let mut old = match schema {
        Value::Object(map) if depth < DEEPEST => map,
        // `true` allows everything, and so does the empty schema. Nothing can express `false`, so it becomes the same.
        Value::Bool(allows) => {
            if !allows {
                place.dropped("false");
            }
            return json!({});
        }
        other => return other,
    };
    if let Some(reference) = old.get("$ref").and_then(Value::as_str) {
        // Next to a `$ref`, only keywords with a `$` are allowed.
        let mut map = Map::from_iter([("$ref".to_owned(), json!(reference.replace("#/definitions/", "#/$defs/")))]);
        definitions(&mut old, &mut map, place, depth);
        old.keys().filter(|word| !word.starts_with('$')).for_each(|word| place.dropped(word));
        return Value::Object(map);
    }
    if old.contains_key("allOf") {
        place.renamed("allOf", "merged into the enclosing schema");
        merge_all_of(&mut old);
    }
    let mut notes = Vec::new();
    let mut map = Map::new();
    let nullable = old.remove("nullable") == Some(Value::Bool(true));
    for (word, value) in old {
        keyword(&word, value, &mut map, &mut notes, place, depth);
    }
    if nullable {
        allow_null(&mut map);
        place.renamed("nullable", "`null` among the types");
    }
    describe(&mut map, &notes);
    Value::Object(map)
}

/// Writes one keyword of a schema to the cleaned schema.
fn keyword(
    word: &str,
    value: Value,
    map: &mut Map<String, Value>,
    notes: &mut Vec<String>,
    place: &Place<'_>,
    depth: usize,
) {
    match word {
        "properties" | "$defs" => {
            map.insert(word.to_owned(), named(value, &place.under(word), depth));
        }
        "definitions" => {
            map.insert("$defs".to_owned(), named(value, &place.under(word), depth));
        }
        "items" | "additionalProperties" if value.is_object() => {
            map.insert(word.to_owned(), node(value, &place.under(word), depth + 1));
        }
        "items" if value.is_boolean() => {
            map.insert(word.to_owned(), json!({}));
        }
        "anyOf" | "oneOf" | "prefixItems" => {
            map.insert(word.to_owned(), each(value, &place.under(word), depth));
        }
        // A tuple, in the notation from before JSON Schema 2020.
        "items" if value.is_array() => {
            map.insert("prefixItems".to_owned(), each(value, &place.under(word), depth));
        }
        "const" => constant(value, map, notes, place),
        "enum" => enumeration(value, map, notes, place),
        "format" if !value.as_str().is_some_and(|format| FORMATS.contains(&format)) => {
            place.to_description(word);
            notes.push(format!("format: {}", plain(&value)));
        }
        _ if TO_DESCRIPTION.contains(&word) => {
            place.to_description(word);
            notes.push(format!("{word}: {}", plain(&value)));
        }
        _ if DROPPED.contains(&word) => place.dropped(word),
        _ if ASIDE.contains(&word) || word.starts_with("x-") => {}
        _ => {
            map.insert(word.to_owned(), value);
        }
    }
}

fn named(value: Value, place: &Place<'_>, depth: usize) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, schema)| {
                let schema = node(schema, &place.under(&name), depth + 1);
                (name, schema)
            })
            .collect(),
        other => other,
    }
}

fn each(value: Value, place: &Place<'_>, depth: usize) -> Value {
    match value {
        Value::Array(items) => {
            let number = |(index, schema): (usize, Value)| node(schema, &place.under(&index.to_string()), depth + 1);
            items.into_iter().enumerate().map(number).collect()
        }
        other => other,
    }
}

fn definitions(old: &mut Map<String, Value>, map: &mut Map<String, Value>, place: &Place<'_>, depth: usize) {
    for word in ["$defs", "definitions"] {
        if let Some(value) = old.remove(word) {
            map.insert("$defs".to_owned(), named(value, &place.under(word), depth));
        }
    }
}

fn constant(value: Value, map: &mut Map<String, Value>, notes: &mut Vec<String>, place: &Place<'_>) {
    let kind = match &value {
        Value::String(_) => "string",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        other => {
            place.to_description("const");
            notes.push(format!("always {other}"));
            return;
        }
    };
    place.renamed("const", "one-value `enum`");
    map.entry("type").or_insert_with(|| json!(kind));
    map.insert("enum".to_owned(), json!([value]));
}

/// Strings and numbers can be enumerated; other values are moved into the description.
fn enumeration(value: Value, map: &mut Map<String, Value>, notes: &mut Vec<String>, place: &Place<'_>) {
    let Value::Array(values) = value else { return };
    if values.iter().all(|value| value.is_string() || value.is_number()) && !values.is_empty() {
        map.insert("enum".to_owned(), Value::Array(values));
    } else if values.iter().any(Value::is_null) && values.iter().all(|value| value.is_string() || value.is_null()) {
        map.insert("enum".to_owned(), values.into_iter().filter(Value::is_string).collect());
        allow_null(map);
    } else {
        place.to_description("enum");
        notes.push(format!("one of {}", Value::Array(values)));
    }
}

fn allow_null(map: &mut Map<String, Value>) {
    match map.get_mut("type") {
        Some(Value::String(kind)) if kind != "null" => {
            let kinds = json!([kind, "null"]);
            map.insert("type".to_owned(), kinds);
        }
        Some(Value::Array(kinds)) if !kinds.contains(&json!("null")) => kinds.push(json!("null")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{At, Notes};
    use super::*;

    fn cleaned(schema: &str) -> String {
        let notes = Notes::off();
        let place = Place { notes: &notes, at: At::Field(&"schema") };
        clean(&RawValue::from_string(schema.to_owned()).unwrap(), &place).get().to_owned()
    }

    #[test]
    fn keywords_are_cleaned_and_names_are_not() {
        for (schema, expected) in [
            (r#"{"const":"a"}"#, r#"{"type":"string","enum":["a"]}"#),
            (r#"{"const":true}"#, r#"{"description":"always true"}"#),
            (r#"{"const":1,"items":false}"#, r#"{"type":"integer","enum":[1],"items":{}}"#),
            (r#"{"type":"integer","exclusiveMinimum":0}"#, r#"{"type":"integer","description":"exclusiveMinimum: 0"}"#),
            (r##"{"$ref":"#/definitions/P","description":"d"}"##, r##"{"$ref":"#/$defs/P"}"##),
            (r#"{"definitions":{"P":{"const":1}}}"#, r#"{"$defs":{"P":{"type":"integer","enum":[1]}}}"#),
            (r#"{"type":"string","nullable":true}"#, r#"{"type":["string","null"]}"#),
            (r#"{"type":["string","integer"],"nullable":true}"#, r#"{"type":["string","integer","null"]}"#),
            (
                r##"{"$ref":"#/definitions/P","definitions":{"P":{"const":1}}}"##,
                r##"{"$ref":"#/$defs/P","$defs":{"P":{"type":"integer","enum":[1]}}}"##,
            ),
            (r#"{"anyOf":"odd","const":1}"#, r#"{"anyOf":"odd","type":"integer","enum":[1]}"#),
            (r#"{"description":"d","multipleOf":2}"#, r#"{"description":"d (multipleOf: 2)"}"#),
            // A field with a description, as pydantic writes it.
            (
                r##"{"allOf":[{"$ref":"#/$defs/P"}],"description":"d"}"##,
                r##"{"anyOf":[{"$ref":"#/$defs/P"}],"description":"d"}"##,
            ),
            // The outer value takes precedence.
            (
                r#"{"type":"object","allOf":[{"type":"string","properties":{"a":{}}},7]}"#,
                r#"{"type":"object","properties":{"a":{}}}"#,
            ),
            (r#"{"type":"string","enum":["a",null]}"#, r#"{"type":["string","null"],"enum":["a"]}"#),
            (r#"{"enum":["a\"]",  true]}"#, r#"{"description":"one of [\"a\\\"]\",true]"}"#),
            (
                r#"{"type":"string","format":"date-time","enum":["a","b"]}"#,
                r#"{"type":"string","format":"date-time","enum":["a","b"]}"#,
            ),
            (r#"{"type":"boolean","enum":[true]}"#, r#"{"type":"boolean","description":"one of [true]"}"#),
            (
                r#"{"properties":{"any":true,"z":{"format":"email"}}}"#,
                r#"{"properties":{"any":{},"z":{"description":"format: email"}}}"#,
            ),
            (
                r#"{"properties":{"title":{"type":"string"},"const":{"const":1},"x-a":{}},"x-a":1}"#,
                r#"{"properties":{"title":{"type":"string"},"const":{"type":"integer","enum":[1]},"x-a":{}}}"#,
            ),
            (
                r#"{"allOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":{}},"required":["b"]}]}"#,
                r#"{"properties":{"a":{},"b":{}},"required":["a","b"]}"#,
            ),
            (
                r#"{"items":[{"type":"string"},{"const":1}]}"#,
                r#"{"prefixItems":[{"type":"string"},{"type":"integer","enum":[1]}]}"#,
            ),
        ] {
            assert_eq!(cleaned(schema), expected, "{schema}");
        }
    }

    #[test]
    fn what_is_too_deep_is_passed_on() {
        let schema = format!(r#"{}{{"const":1}}{}"#, r#"{"items":"#.repeat(300), "}".repeat(300));
        assert_eq!(cleaned(&schema), schema);
    }

    #[test]
    fn what_needs_nothing_is_untouched() {
        let schema = r#"{ "type":"object", "properties":{"z":{"type":"string"},"a":{"type":"number","minimum":1e0}} }"#;
        assert_eq!(cleaned(schema), schema);
    }

    proptest! {
        /// Cleaning a clean schema changes nothing, whatever the schema, and nothing panics.
        #[test]
        fn cleaning_twice_is_cleaning_once(
            words in prop::collection::vec(("[a-zA-Z$]{1,10}|const|enum|allOf|format|nullable|\\$ref|items|properties",
                prop_oneof![Just(json!(true)), Just(json!("a")), Just(json!([1, null])), Just(json!({"const": 1}))]), 0..6)
        ) {
            let schema = Value::Object(words.into_iter().collect());
            let once = cleaned(&schema.to_string());
            prop_assert_eq!(cleaned(&once), once);
        }
    }
}
