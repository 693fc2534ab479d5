//! Translates schemas for the fields that accept Gemini's own `Schema`: `parameters`, `responseSchema`. Gemini rejects
//! unknown keywords there, so only known ones are written, `$ref`s are expanded, and recursion ends after a few rounds.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::clean::ASIDE;
use super::{Place, TO_DESCRIPTION, describe, merge_all_of, plain};
use crate::wire::json::{self, Json};

/// Keywords that are copied as they are.
const KNOWN: &[&str] = &[
    "title",
    "description",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "default",
    "example",
    "propertyOrdering",
];

/// How many expansions of the same definition may be nested.
const ROUNDS: usize = 2;
/// The maximum number of nodes written, which bounds the growth from expanded `$ref`s.
const MOST: usize = 2000;

/// Returns the schema in Gemini's dialect.
pub fn subset(schema: &RawValue, place: &Place<'_>) -> Json<'static> {
    let root: Value = json::read(schema.get()).unwrap_or_default();
    let mut writer = Writer { root: &root, inside: Vec::new(), left: MOST };
    let written = writer.node(&root, place);
    Json::from_value(&written)
}

struct Writer<'r> {
    root: &'r Value,
    /// The definitions being expanded, outermost first.
    inside: Vec<String>,
    left: usize,
}

impl Writer<'_> {
    fn node(&mut self, schema: &Value, place: &Place<'_>) -> Value {
        let Some(object) = schema.as_object().filter(|_| self.left > 0) else {
            // Whatever the schema allows, an object can hold it.
            return json!({ "type": "OBJECT" });
        };
        self.left -= 1;
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            return self.reference(reference, object, place);
        }
        let mut old = object.clone();
        if old.contains_key("allOf") {
            place.renamed("allOf", "merged into the enclosing schema");
            self.write_out_all_of(&mut old);
            merge_all_of(&mut old);
        }
        let mut map = Map::new();
        let mut notes = Vec::new();
        let nullable = self.kind(&mut old, &mut map, place);
        for (word, value) in &old {
            self.keyword(word, value, &mut map, &mut notes, place);
        }
        finish(&mut map, nullable || old.get("nullable") == Some(&Value::Bool(true)));
        describe(&mut map, &notes);
        Value::Object(map)
    }

    fn reference(&mut self, reference: &str, around: &Map<String, Value>, place: &Place<'_>) -> Value {
        let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)).cloned();
        let rounds = self.inside.iter().filter(|name| *name == reference).count();
        let Some(target) = target.filter(|_| rounds < ROUNDS) else {
            place.notes.clamped(
                format_args!("{place}/$ref"),
                "Gemini's older schemas cannot recurse: any object is allowed here",
            );
            return json!({ "type": "OBJECT" });
        };
        place.renamed("$ref", "expanded");
        self.inside.push(reference.to_owned());
        let mut written = self.node(&target, place);
        self.inside.pop();
        if let (Some(map), Some(text)) = (written.as_object_mut(), around.get("description")) {
            map.insert("description".to_owned(), text.clone());
        }
        written
    }

    /// Expands references among the members of `allOf`, which could not be merged otherwise.
    fn write_out_all_of(&self, map: &mut Map<String, Value>) {
        for member in map.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
            let reference = member.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            if let Some(target) = reference.and_then(|pointer| self.root.pointer(pointer)) {
                *member = target.clone();
            }
        }
    }

    /// Moves `type` from the schema to `map`. Returns whether `null` is one of several types.
    fn kind(&mut self, old: &mut Map<String, Value>, map: &mut Map<String, Value>, place: &Place<'_>) -> bool {
        let kinds: Vec<String> = match old.remove("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => {
                place.renamed("type", "one type, or `anyOf`, and `nullable`");
                kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let nullable = kinds.len() > 1 && kinds.iter().any(|kind| kind == "null");
        let kinds: Vec<&String> = kinds.iter().filter(|kind| !nullable || *kind != "null").collect();
        match kinds.as_slice() {
            [] => {}
            [kind] => {
                map.insert("type".to_owned(), json!(kind.to_uppercase()));
            }
            several => {
                let each = several.iter().map(|kind| {
                    let mut one = Map::from_iter([("type".to_owned(), json!(kind.to_uppercase()))]);
                    finish(&mut one, false);
                    Value::Object(one)
                });
                map.insert("anyOf".to_owned(), each.collect());
            }
        }
        nullable
    }

    fn keyword(
        &mut self,
        word: &str,
        value: &Value,
        map: &mut Map<String, Value>,
        notes: &mut Vec<String>,
        place: &Place<'_>,
    ) {
        match (word, value) {
            ("properties", Value::Object(properties)) => {
                let inside = place.under(word);
                let written =
                    properties.iter().map(|(name, schema)| (name.clone(), self.node(schema, &inside.under(name))));
                let written: Map<String, Value> = written.collect();
                map.insert(word.to_owned(), Value::Object(written));
            }
            ("items", Value::Object(_)) => {
                map.insert(word.to_owned(), self.node(value, &place.under(word)));
            }
            ("prefixItems" | "items", Value::Array(members)) => {
                place.notes.emulated(
                    format_args!("{place}/{word}"),
                    "Gemini's older schemas have no tuples: a list of this length instead",
                );
                let each = self.each(members, &place.under(word));
                map.insert("items".to_owned(), json!({ "anyOf": each }));
                map.insert("minItems".to_owned(), json!(members.len()));
                map.insert("maxItems".to_owned(), json!(members.len()));
            }
            ("anyOf" | "oneOf", Value::Array(members)) => {
                self.alternatives(members, map, &place.under(word));
            }
            ("const", Value::String(text)) if !text.is_empty() => {
                place.renamed(word, "one-value `enum`");
                map.insert("type".to_owned(), json!("STRING"));
                map.insert("enum".to_owned(), json!([text]));
            }
            ("const", value) => {
                place.to_description(word);
                notes.push(format!("always {value}"));
            }
            ("enum", Value::Array(values))
                if values.iter().all(|value| value.as_str().is_some_and(|text| !text.is_empty())) =>
            {
                map.insert("type".to_owned(), json!("STRING"));
                map.insert(word.to_owned(), value.clone());
            }
            ("enum", value) => {
                place.to_description(word);
                notes.push(format!("one of {value}"));
            }
            ("required", value) => {
                map.insert(word.to_owned(), value.clone());
            }
            _ if TO_DESCRIPTION.contains(&word) => {
                place.to_description(word);
                notes.push(format!("{word}: {}", plain(value)));
            }
            _ if KNOWN.contains(&word) => {
                map.insert(word.to_owned(), value.clone());
            }
            // Properties that are not described are not generated in any case.
            ("additionalProperties", Value::Bool(_)) => {}
            ("nullable" | "$defs" | "definitions", _) => {}
            _ if ASIDE.contains(&word) || word.starts_with("x-") || word.starts_with('$') => {}
            _ => place.dropped(word),
        }
    }

    /// Writes alternatives. A `null` among them makes the schema nullable; a single remaining alternative is merged
    /// into the schema.
    fn alternatives(&mut self, members: &[Value], map: &mut Map<String, Value>, place: &Place<'_>) {
        let is_null = |member: &Value| member.get("type").and_then(Value::as_str) == Some("null");
        let others: Vec<Value> = members.iter().filter(|member| !is_null(member)).cloned().collect();
        if others.len() < members.len() {
            map.insert("nullable".to_owned(), json!(true));
        }
        let mut each = self.each(&others, place);
        match (each.len(), each.pop()) {
            (1, Some(Value::Object(only))) => map.extend(only),
            (_, last) => {
                each.extend(last);
                map.insert("anyOf".to_owned(), Value::Array(each));
            }
        }
    }

    fn each(&mut self, members: &[Value], place: &Place<'_>) -> Vec<Value> {
        let mut written = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            written.push(self.node(member, &place.under(&index.to_string())));
        }
        written
    }
}

/// Completes a node with what Gemini requires: a type, `items` for arrays, and `required` limited to existing
/// properties.
fn finish(map: &mut Map<String, Value>, nullable: bool) {
    if nullable {
        map.insert("nullable".to_owned(), json!(true));
    }
    if map.contains_key("properties") {
        map.entry("type").or_insert_with(|| json!("OBJECT"));
    }
    if map.contains_key("items") {
        map.entry("type").or_insert_with(|| json!("ARRAY"));
    }
    if map.get("type").is_some_and(|kind| kind == "ARRAY") {
        map.entry("items").or_insert_with(|| json!({ "type": "STRING" }));
    }
    if !map.contains_key("type") && !map.contains_key("anyOf") {
        map.insert("type".to_owned(), json!("OBJECT"));
    }
    let there: Vec<String> =
        map.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect();
    if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name.as_str().is_some_and(|name| there.iter().any(|there| there == name)));
    }
    if map.get("required").is_some_and(|required| required.as_array().is_none_or(Vec::is_empty)) {
        map.remove("required");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{At, Notes};
    use super::*;

    fn written(schema: &str) -> String {
        let notes = Notes::off();
        let place = Place { notes: &notes, at: At::Field(&"schema") };
        subset(&RawValue::from_string(schema.to_owned()).unwrap(), &place).get().to_owned()
    }

    #[test]
    fn only_what_is_known_goes_through() {
        for (schema, expected) in [
            (r#"{"type":"string"}"#, r#"{"type":"STRING"}"#),
            (r#"{"type":["string","null"]}"#, r#"{"type":"STRING","nullable":true}"#),
            (r#"{"type":["string","integer"]}"#, r#"{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}"#),
            (r#"{"const":"a"}"#, r#"{"type":"STRING","enum":["a"]}"#),
            (r#"{"enum":["a","b"]}"#, r#"{"type":"STRING","enum":["a","b"]}"#),
            (r#"{"enum":["a",""]}"#, r#"{"type":"OBJECT","description":"one of [\"a\",\"\"]"}"#),
            (r#"{"type":"string","minContains":1,"x-a":1}"#, r#"{"type":"STRING"}"#),
            (r#"{"const":1,"type":"integer"}"#, r#"{"type":"INTEGER","description":"always 1"}"#),
            (r#"{"enum":[1,2],"type":"integer"}"#, r#"{"type":"INTEGER","description":"one of [1,2]"}"#),
            (r#"{"type":"array"}"#, r#"{"type":"ARRAY","items":{"type":"STRING"}}"#),
            (
                r#"{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}]}"#,
                r#"{"type":"ARRAY","items":{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]},"minItems":2,"maxItems":2}"#,
            ),
            (r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, r#"{"nullable":true,"type":"STRING"}"#),
            (
                r#"{"properties":{"a":{"type":"string"}},"required":["a","b"],"additionalProperties":false,"$schema":"x"}"#,
                r#"{"properties":{"a":{"type":"STRING"}},"required":["a"],"type":"OBJECT"}"#,
            ),
            (
                r##"{"$defs":{"P":{"type":"object","properties":{"x":{"type":"integer"}}}},"properties":{"p":{"$ref":"#/$defs/P","description":"d"}}}"##,
                r#"{"properties":{"p":{"type":"OBJECT","properties":{"x":{"type":"INTEGER"}},"description":"d"}},"type":"OBJECT"}"#,
            ),
            ("true", r#"{"type":"OBJECT"}"#),
        ] {
            assert_eq!(written(schema), expected, "{schema}");
        }
    }

    #[test]
    fn recursion_ends() {
        let tree =
            r##"{"$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}},"$ref":"#/$defs/N"}"##;
        assert_eq!(
            written(tree),
            r#"{"type":"OBJECT","properties":{"next":{"type":"OBJECT","properties":{"next":{"type":"OBJECT"}}}}}"#
        );
        // Each definition occurs twice in the next one: fully expanded, there would be 2^40.
        let mut bomb = String::from(r#"{"$defs":{"D0":{"type":"string"}"#);
        for level in 1..=40 {
            let inner = format!(r##"{{"$ref":"#/$defs/D{}"}}"##, level - 1);
            bomb += &format!(r#","D{level}":{{"properties":{{"a":{inner},"b":{inner}}}}}"#);
        }
        bomb += r##"},"$ref":"#/$defs/D40"}"##;
        assert!(written(&bomb).len() < 400_000);
    }
}
