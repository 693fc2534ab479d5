//! The shape of a request: every field must have a name and a type that Google knows; otherwise the request is
//! rejected with a 400 that names all violations. The names are in `messages.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::failure::{Failure, failure};

/// The fields of each message, with their types.
static MESSAGES: LazyLock<HashMap<&str, HashMap<&str, &str>>> = LazyLock::new(|| {
    let lines = include_str!("messages.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            Some((name, words.filter_map(|field| field.split_once(':')).collect()))
        })
        .collect()
});

/// A violation of the shape.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    field: String,
    description: String,
}

/// Checks a body against a message, and converts its names to camel case: Google accepts `snake_case` too.
pub fn check(message: &str, body: &Value) -> Result<Value, Failure> {
    let mut violations = Vec::new();
    let canonical = walk(message, body, "", &mut violations);
    if violations.is_empty() {
        return Ok(canonical);
    }
    let text: Vec<&str> = violations.iter().map(|violation| violation.description.as_str()).collect();
    let fields: Vec<Value> = (violations.iter())
        .map(|violation| json!({ "field": violation.field, "description": violation.description }))
        .collect();
    let details = json!({ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": fields });
    Err(failure(400, text.join("\n"), vec![details]))
}

fn walk(kind: &str, value: &Value, path: &str, violations: &mut Vec<Violation>) -> Value {
    if let Some(inner) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        return match value {
            Value::Array(items) => {
                let each = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| walk(inner, item, &format!("{path}[{index}]"), violations));
                Value::Array(each.collect())
            }
            // A single value is accepted in place of a list of one.
            one => Value::Array(vec![walk(inner, one, path, violations)]),
        };
    }
    if let (Some(inner), Value::Object(map)) = (kind.strip_prefix('{').and_then(|kind| kind.strip_suffix('}')), value) {
        let each =
            map.iter().map(|(name, value)| (name.clone(), walk(inner, value, &format!("{path}.{name}"), violations)));
        return Value::Object(each.collect());
    }
    if let Some(fields) = MESSAGES.get(kind) {
        return message(fields, value, path, violations);
    }
    if !is(kind, value) {
        let description = format!("Invalid value at '{path}' ({kind}), {value}");
        violations.push(Violation { field: path.to_owned(), description });
    }
    match value {
        // Enum values are accepted in any case.
        Value::String(text) if kind.contains('|') && kind != "unspecified|standard|flex|priority" => {
            text.to_uppercase().into()
        }
        other => other.clone(),
    }
}

fn message(fields: &HashMap<&str, &str>, value: &Value, path: &str, violations: &mut Vec<Violation>) -> Value {
    let Value::Object(map) = value else {
        let description = format!("Invalid value at '{path}', {value}");
        violations.push(Violation { field: path.to_owned(), description });
        return value.clone();
    };
    let mut canonical = serde_json::Map::new();
    for (name, value) in map {
        let camel = camel_case(name);
        match fields.get(camel.as_str()) {
            Some(_) if value.is_null() => {}
            Some(kind) => {
                let inner = if path.is_empty() { snake_case(name) } else { format!("{path}.{}", snake_case(name)) };
                canonical.insert(camel, walk(kind, value, &inner, violations));
            }
            None => {
                let place = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
                let description =
                    format!("Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field.");
                violations.push(Violation { field: path.to_owned(), description });
            }
        }
    }
    Value::Object(canonical)
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "any" => true,
        "object" => value.is_object(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number() || value.as_str().is_some_and(|text| text.parse::<f64>().is_ok()),
        "integer" => {
            value.as_i64().is_some()
                || value.as_f64().is_some_and(|number| number.fract() == 0.0)
                || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok())
        }
        "bytes" => value.as_str().is_some_and(is_base64),
        choices if choices.contains('|') => {
            let named =
                value.as_str().is_some_and(|text| choices.split('|').any(|choice| choice.eq_ignore_ascii_case(text)));
            named || value.is_u64()
        }
        _ => false,
    }
}

/// Accepts the standard and the URL-safe alphabet.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    body.len() % 4 != 1 && text.len() - body.len() <= 2 && body.bytes().all(known)
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
        camel
    })
}

fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    })
}
