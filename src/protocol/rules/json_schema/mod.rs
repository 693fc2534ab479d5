//! Translates clients' JSON Schema to what Gemini accepts (ai.google.dev/gemini-api/docs/structured-output, November
//! 2026).
//!
//! Gemini has two kinds of schema fields. The newer ones accept JSON Schema itself and ignore unknown keywords:
//! [`clean`]. The older ones accept a dialect of OpenAPI and reject unknown keywords: [`subset`]. What can be expressed
//! is never rejected; changes are noted with their location.

mod clean;
mod memo;
mod scan;
mod subset;
mod validate;

use std::fmt::{self, Display};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::protocol::verdict::Notes;
use crate::wire::json::{self, Json, Shape};

pub use validate::check_answer;

use memo::Memo;

/// Keywords that mean something to a model but not to Gemini's decoder. They move into the description.
const TO_DESCRIPTION: &[&str] =
    &["exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems", "not", "contains"];

/// Compiled schemas for the fields that take JSON Schema, and for those that take the dialect.
static CLEANED: Memo = Memo::new();
static SUBSETS: Memo = Memo::new();

/// Compiles a schema for one of the two kinds of fields; `field` is its location in the request.
pub fn compile<'a>(schema: &'a RawValue, takes_json_schema: bool, field: &dyn Display, notes: &Notes) -> Json<'a> {
    let place = Place { notes, at: At::Field(field) };
    let compiled = || if takes_json_schema { clean::clean(schema, &place) } else { subset::subset(schema, &place) };
    // Notes come from compiling, so whoever wants them has it done.
    if notes.are_on() {
        return compiled();
    }
    let memo = if takes_json_schema { &CLEANED } else { &SUBSETS };
    memo.get_or_compile(schema, compiled)
}

/// Whether a function with this schema takes no parameters: there is no object schema, or the object has no properties.
/// Gemini requires the field to be omitted then.
pub fn is_empty(schema: &RawValue) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Outline<'a> {
        #[serde(borrow)]
        properties: Option<&'a RawValue>,
        #[serde(borrow, rename = "additionalProperties")]
        additional: Option<&'a RawValue>,
        #[serde(borrow, rename = "$ref")]
        reference: Option<&'a RawValue>,
        #[serde(borrow, rename = "anyOf")]
        any_of: Option<&'a RawValue>,
        #[serde(borrow, rename = "oneOf")]
        one_of: Option<&'a RawValue>,
        #[serde(borrow, rename = "allOf")]
        all_of: Option<&'a RawValue>,
    }
    if begins_with_properties(schema.get()) {
        return false;
    }
    let Ok(outline) = json::read::<Outline<'_>>(schema.get()) else { return true };
    // An object with at least one member.
    let filled = |raw: &RawValue| raw.get().trim_start_matches('{').trim_start().starts_with('"');
    let says_more = [outline.reference, outline.any_of, outline.one_of, outline.all_of].iter().any(Option::is_some)
        || outline.additional.is_some_and(|raw| Shape::of(raw) == Shape::Object);
    !outline.properties.is_some_and(filled) && !says_more
}

/// Whether the schema has properties. Detects only the common case in which `properties` is the first nested object.
fn begins_with_properties(schema: &str) -> bool {
    static PROPERTIES: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(br#""properties""#));
    let Some(at) = PROPERTIES.find(schema.as_bytes()) else { return false };
    let (before, found) = schema.split_at(at);
    let Some(rest) = found.strip_prefix(r#""properties""#) else { return false };
    let outermost = memchr::memchr_iter(b'{', before.as_bytes()).count() == 1 && !before.contains('\\');
    let opened = rest.trim_ascii_start().strip_prefix(':').and_then(|rest| rest.trim_ascii_start().strip_prefix('{'));
    outermost && opened.is_some_and(|rest| rest.trim_ascii_start().starts_with('"'))
}

/// A location in a schema. It is formatted only when it is noted.
struct Place<'p> {
    notes: &'p Notes,
    at: At<'p>,
}

#[derive(Clone, Copy)]
enum At<'p> {
    Field(&'p dyn Display),
    Under(&'p Place<'p>, &'p str),
}

impl Place<'_> {
    fn under<'p>(&'p self, step: &'p str) -> Place<'p> {
        Place { notes: self.notes, at: At::Under(self, step) }
    }

    fn to_description(&self, word: &str) {
        self.notes
            .emulated(format_args!("{self}/{word}"), "Gemini does not enforce it: it is stated in the description");
    }

    fn dropped(&self, word: &str) {
        self.notes.dropped(format_args!("{self}/{word}"), "Gemini's schemas have no such keyword");
    }

    fn renamed(&self, word: &str, how: impl Display) {
        self.notes.renamed(format_args!("{self}/{word}"), how);
    }
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::Field(field) => field.fmt(f),
            At::Under(place, step) => write!(f, "{place}/{step}"),
        }
    }
}

/// Merges the members of `allOf` into the schema around them. Neither kind of field supports `allOf`.
fn merge_all_of(map: &mut Map<String, Value>) {
    let Some(Value::Array(members)) = map.remove("allOf") else { return };
    if let ([member], true) = (members.as_slice(), map.keys().all(|word| word == "description" || word == "title"))
        && member.get("$ref").is_some()
    {
        let description = map.remove("description");
        map.clear();
        map.insert("anyOf".to_owned(), Value::Array(vec![member.clone()]));
        map.extend(description.map(|text| ("description".to_owned(), text)));
        return;
    }
    for member in members {
        let Value::Object(mut member) = member else { continue };
        merge_all_of(&mut member);
        for (word, value) in member {
            match (map.get_mut(&word), value) {
                (Some(Value::Object(here)), Value::Object(there)) => here.extend(there),
                (Some(Value::Array(here)), Value::Array(there)) if word == "required" => {
                    here.extend(there.into_iter().filter(|name| !name.is_null()));
                }
                (Some(_), _) => {}
                (None, value) => {
                    map.insert(word, value);
                }
            }
        }
    }
}

/// Appends notes to the description.
fn describe(map: &mut Map<String, Value>, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    let notes = notes.join("; ");
    let text = match map.get("description").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => format!("{text} ({notes})"),
        _ => notes,
    };
    map.insert("description".to_owned(), Value::String(text));
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emptiness() {
        for (schema, empty) in [
            ("{}", true),
            ("null", true),
            (r#"{"type":"object"}"#, true),
            (r#"{"type":"object","properties":{}}"#, true),
            (r#"{"type":"object","properties": { } }"#, true),
            (r#"{"type":"object","properties":{"a":{}}}"#, false),
            (r#"{"required":["properties"],"properties":{}}"#, true),
            (r#"{"description":"\"properties\":{\"","type":"object"}"#, true),
            (r#"{"$defs":{"a":{"properties":{"b":{}}}}}"#, true),
            (r##"{"$ref":"#/$defs/a"}"##, false),
            (r#"{"type":"object","additionalProperties":{"type":"string"}}"#, false),
        ] {
            assert_eq!(is_empty(&RawValue::from_string(schema.to_owned()).unwrap()), empty, "{schema}");
        }
    }

    #[test]
    fn what_changes_is_noted_with_its_place() {
        let schema = r#"{"type":"object","properties":{"n":{"type":"integer","exclusiveMinimum":0},"k":{"const":"a"}},"if":{},"$schema":"s"}"#;
        let schema = RawValue::from_string(schema.to_owned()).unwrap();
        for takes_json_schema in [true, false] {
            let notes = Notes::on();
            compile(&schema, takes_json_schema, &"f", &notes);
            let noted = notes.into_list();
            for (field, loss) in
                [("f/properties/n/exclusiveMinimum", true), ("f/properties/k/const", false), ("f/if", true)]
            {
                let note = noted.iter().find(|note| note.field == field);
                assert_eq!(note.map(|note| note.loss), Some(loss), "{field}: {noted:?}");
            }
            assert!(!noted.iter().any(|note| note.field.contains("$schema")), "{noted:?}");
        }
    }
}
