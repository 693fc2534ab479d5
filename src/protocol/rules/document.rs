//! Reads a request's JSON body and describes errors in it.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::model::Model;
use crate::wire::gemini::request::Part;
use crate::wire::json::{self, Shape, Text, decode};

/// Reads a body that must be a JSON object.
///
/// # Errors
/// 400, naming the field if there is one.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    // serde would read a JSON array field by field, in the order of the struct.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::invalid("Invalid type for the body: expected an object, but got an array instead."));
    }
    // UTF-8 is checked once for the whole body, not string by string. This includes strings that are not read here,
    // because they may be passed on.
    let text = json::utf8(body).map_err(|error| no_text(&error))?;
    json::read(text).map_err(|error| explain::<T>(text, &error))
}

fn no_text(error: &std::str::Utf8Error) -> Error {
    let message = format!(
        "We could not parse the JSON body of your request: it is not UTF-8 (byte {}). The body must be one JSON object, as `curl -d` or an SDK sends it.",
        error.valid_up_to() + 1
    );
    Error::invalid(message)
}

/// Parses the body again to locate the error. Tracking the path takes time that valid requests should not pay for.
fn explain<'a, T: Deserialize<'a>>(body: &'a str, error: &serde_json::Error) -> Error {
    if !error.is_data() {
        let message = format!(
            "We could not parse the JSON body of your request: {error}. The body must be one JSON object, as `curl -d` or an SDK sends it."
        );
        return Error::invalid(message);
    }
    let mut reader = serde_json::Deserializer::from_str(body);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => {
            let path = error.path().to_string();
            let reason = reason(error.inner());
            match duplicate(&reason) {
                None if path == "." => Error::invalid(format!("The body must be a JSON object: {reason}.")),
                Some(field) if path == "." => twice(field.to_owned()),
                _ => misread(path, &reason),
            }
        }
        Ok(_) => Error::invalid(format!("We could not parse the JSON body of your request: {error}.")),
    }
}

/// Returns a 400 for a value that serde_json did not accept, for this reason.
fn misread(param: String, reason: &str) -> Error {
    match duplicate(reason) {
        Some(field) => twice(format!("{param}.{field}")),
        None => Error::invalid(format!("Invalid type for '{param}': {reason}.")).param(param).code("invalid_type"),
    }
}

fn twice(param: String) -> Error {
    Error::invalid(format!("Invalid body: '{param}' occurs twice.")).param(param)
}

fn duplicate(reason: &str) -> Option<&str> {
    reason.strip_prefix("duplicate field `")?.strip_suffix('`')
}

/// Returns serde_json's message about a wrong type, in JSON's terms instead of Rust's. The value in it is the client's
/// own.
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text = text.strip_prefix("invalid type: ").map_or(text.to_owned(), |rest| format!("got {rest}"));
    let (found, expected) = text.rsplit_once(", expected ").unwrap_or((&text, ""));
    let expected = match expected {
        "" => return text,
        "f64" => "a number",
        "i64" => "an integer",
        "a sequence" | "sequence" => "an array",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    format!("{found}, expected {expected}")
}

/// Parses a raw value inside the body; errors name the full path.
pub fn nested<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue, place: &dyn Display) -> Result<T, Error> {
    json::read(raw.get()).map_err(|_| {
        let mut reader = serde_json::Deserializer::from_str(raw.get());
        let (inner, reason) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Err(error) => (error.path().to_string(), reason(error.inner())),
            Ok(_) => (String::new(), "it cannot be read".to_owned()),
        };
        let param = match inner.as_str() {
            "" | "." => place.to_string(),
            inner if inner.starts_with('[') => format!("{place}{inner}"),
            inner => format!("{place}.{inner}"),
        };
        misread(param, &reason)
    })
}

/// The content of a message or a result: nothing, a string, or parts.
pub enum Content<'a, P> {
    /// No content.
    None,
    /// A string.
    Text(Text<'a>),
    /// Parts of several kinds.
    Parts(Vec<P>),
}

impl<'a, P> Content<'a, P> {
    /// Returns Gemini's parts for the content, each read by `one`. Empty texts are left out.
    ///
    /// # Errors
    /// Any error that `one` returns for a part.
    pub fn parts<R: IntoIterator<Item = Part<'a>>>(
        self,
        place: &dyn Display,
        mut one: impl FnMut(P, &dyn Display) -> Result<R, Error>,
    ) -> Result<Vec<Part<'a>>, Error> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Text(text) if text.is_empty() => Ok(Vec::new()),
            Self::Text(text) => Ok(vec![Part::text(text)]),
            Self::Parts(parts) => {
                let mut read = Vec::with_capacity(parts.len());
                for (number, part) in parts.into_iter().enumerate() {
                    read.extend(one(part, &format_args!("{place}[{number}]"))?);
                }
                Ok(read)
            }
        }
    }
}

/// Reads the content of a message or a result.
///
/// # Errors
/// 400, naming the part.
pub fn content<'a, P: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
    place: &dyn Display,
) -> Result<Content<'a, P>, Error> {
    let Some(raw) = raw else { return Ok(Content::None) };
    match Shape::of(raw) {
        Shape::String => text(Some(raw), place).map(Content::Text),
        Shape::Array => nested(raw, place).map(Content::Parts),
        shape => {
            let message = format!(
                "Invalid type for '{place}': expected one of a string or array of objects, but got {} instead.",
                shape.name()
            );
            Err(Error::invalid(message).param(place.to_string()).code("invalid_type"))
        }
    }
}

/// Reads a text, which is passed on as it is written. A text with `\u` escapes is decoded once to validate it: half a
/// surrogate pair is not valid text, and Google's rejection would not say where it is.
pub fn text<'a>(raw: Option<&'a RawValue>, place: &dyn Display) -> Result<Text<'a>, Error> {
    let wrong =
        |what: &str| Error::invalid(format!("Invalid type for '{place}': expected a string, but got {what} instead."));
    let Some(raw) = raw else {
        return Err(wrong("nothing").param(place.to_string()).code("missing_required_parameter"));
    };
    if Shape::of(raw) != Shape::String {
        return Err(wrong(Shape::of(raw).name()).param(place.to_string()).code("invalid_type"));
    }
    static ESCAPE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(br"\u"));
    let suspicious = ESCAPE.find(raw.get().as_bytes()).is_some();
    if suspicious && decode(raw).is_none() {
        let message = format!("Invalid '{place}': it contains half of a surrogate pair (a lone `\\ud800`–`\\udfff`).");
        return Err(Error::invalid(message).param(place.to_string()).code("invalid_value"));
    }
    Ok(Text::Raw(raw))
}

/// Returns a 400 for a missing field.
pub fn missing(param: impl Into<String>) -> Error {
    let param = param.into();
    let message = format!("Missing required parameter: '{param}'.");
    Error::invalid(message).param(param).code("missing_required_parameter")
}

/// Returns a 400 for an unknown kind; `param` names the field.
pub fn unknown_kind(kind: Option<&str>, known: &str, param: &dyn Display) -> Error {
    match kind {
        Some(kind) => {
            let shown: String = kind.chars().take(64).collect();
            let message = format!("Invalid value: '{}'. Supported values are: {known}.", shown.escape_debug());
            Error::invalid(message).param(param.to_string()).code("invalid_value")
        }
        None => missing(param.to_string()),
    }
}

/// Checks that a body is a JSON object in UTF-8, and nothing else about it.
///
/// # Errors
/// 400 when it is not.
pub fn is_object(body: &[u8]) -> Result<(), Error> {
    read::<Object>(body).map(|Object {}| ())
}

/// Any object.
#[derive(Deserialize)]
struct Object {}

/// Returns the model that a request names.
///
/// # Errors
/// 400 when it names no model.
pub fn model(named: Option<Cow<'_, str>>) -> Result<Cow<'_, str>, Error> {
    let named = named.filter(|name| !name.is_empty());
    named.ok_or_else(|| Error::invalid("you must provide a model parameter").param("model"))
}

/// Returns a 400 for a field whose value is not supported.
pub fn unknown_value(field: &'static str, values: &[&str]) -> Error {
    let listed: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    Error::invalid(format!("Invalid value for '{field}'. Supported values are: {}.", listed.join(", ")))
        .param(field.to_string())
        .code("invalid_value")
}

/// Serializes the Gemini request.
///
/// # Errors
/// 500 when that fails, which cannot happen to data that was read from JSON.
pub fn written(request: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(request)
        .map(Bytes::from)
        .map_err(|error| Error::internal(format!("the translated request could not be written: {error}")))
}

/// Returns a 400 for a model that does not produce the requested kind of output.
pub fn gives_other(asked: &str, model: &Model, wanted: &str, example: &str) -> Error {
    let shown: String = asked.chars().take(128).collect::<String>().escape_debug().collect();
    let at_google =
        if asked == model.name.as_str() { String::new() } else { format!(", which is `{}` here,", model.name) };
    let message = format!(
        "The model `{shown}`{at_google} returns {}, not {wanted}. Name one that does, such as `{example}`, or have the operator set an alias for it in `models.aliases`.",
        model.facts.gives.name()
    );
    Error::invalid(message).param("model").code("unsupported_value")
}
