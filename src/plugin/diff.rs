//! Differences between two JSON documents.

use serde::Serialize;
use serde_json::Value;

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The JSON pointer to it.
    pub pointer: String,
    /// The value before, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value after, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Returns all differences, in the order of the `before` document.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(pointer: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (name, value) in old {
                compare(step(&pointer, name), Some(value), new.get(name), found);
            }
            for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                compare(step(&pointer, name), None, Some(value), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                compare(step(&pointer, &at.to_string()), old.get(at), new.get(at), found);
            }
        }
        (before, after) => found.push(Difference { pointer, before: before.cloned(), after: after.cloned() }),
    }
}

fn step(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_named() {
        let before = json!({ "a": 1, "b": { "c/d": [1, 2] }, "gone": true });
        let after = json!({ "a": 1, "b": { "c/d": [1, 3, 4] }, "new": null });
        let found = differences(&before, &after);
        let places: Vec<&str> = found.iter().map(|difference| difference.pointer.as_str()).collect();
        assert_eq!(places, ["/b/c~1d/1", "/b/c~1d/2", "/gone", "/new"]);
        assert!(differences(&after, &after).is_empty());
    }
}
