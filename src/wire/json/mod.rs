//! JSON text that is passed through rather than parsed, and a reader and a writer for the hot path.
//!
//! A JSON string that moves from one document to another needs no decoding: its escaped form is valid in both. Texts
//! therefore stay [`RawValue`]s from end to end, and writing is mostly copying.

mod access;
mod decode;
mod find;
mod number;
mod read;
mod repeated;
mod scan;
#[cfg(test)]
mod tests;
mod window;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use find::{Step, find};
pub use repeated::{Recent, Repeated};

/// The content of a JSON string: copied from another document, or created here.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// A complete JSON string, quotes and escapes included.
    Raw(&'a RawValue),
    /// Plain text, escaped when written.
    Plain(Cow<'a, str>),
}

impl<'a> Text<'a> {
    /// The decoded text.
    pub fn decoded(&self) -> Cow<'_, str> {
        match self {
            Self::Raw(raw) => decode(raw).unwrap_or_default(),
            Self::Plain(text) => Cow::Borrowed(text),
        }
    }

    /// Returns the length in bytes in its current representation: encoded with quotes, or plain.
    pub fn len(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.get().len(),
            Self::Plain(text) => text.len(),
        }
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Raw(raw) => raw.get() == r#""""#,
            Self::Plain(text) => text.is_empty(),
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Plain(Cow::Owned(text))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(raw) => raw.serialize(serializer),
            Self::Plain(text) => serializer.serialize_str(text),
        }
    }
}

/// A JSON value that is passed through from another document, or created here.
#[derive(Clone, Debug)]
pub enum Json<'a> {
    /// Borrowed from another document.
    Raw(&'a RawValue),
    /// Owned.
    Own(Box<RawValue>),
    /// Shared with other documents.
    Shared(Arc<RawValue>),
}

impl Json<'_> {
    /// Parses `text` as JSON; returns None when it is not valid.
    pub fn parse(text: &str) -> Option<Self> {
        read::<&RawValue>(text).ok().map(|raw| Self::Own(raw.to_owned()))
    }

    /// Serializes a value; null when that fails.
    pub fn from_value(value: &impl Serialize) -> Self {
        Self::Own(serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// The JSON text.
    pub fn get(&self) -> &str {
        match self {
            Self::Raw(raw) => raw.get(),
            Self::Own(raw) => raw.get(),
            Self::Shared(raw) => raw.get(),
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(raw) => raw.serialize(serializer),
            Self::Own(raw) => raw.serialize(serializer),
            Self::Shared(raw) => (**raw).serialize(serializer),
        }
    }
}

/// The kind of value a JSON text holds, determined by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// `n`
    Null,
    /// A number, `true` or `false`.
    Scalar,
}

impl Shape {
    /// The shape of `raw`.
    pub fn of(raw: &RawValue) -> Self {
        match raw.get().as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b'n') => Self::Null,
            _ => Self::Scalar,
        }
    }

    /// Returns the name OpenAI uses in its error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Null => "null",
            Self::Scalar => "a number or boolean",
        }
    }
}

/// Parses JSON: what [`serde_json::from_str`] returns, but faster. A document that our own reader does not accept is
/// parsed again by serde_json, whose verdict stands: wrong documents take longer, not right ones.
///
/// # Errors
/// serde_json's, when it is not such a document.
#[inline]
pub fn read<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    match read::attempt(text) {
        Some(value) => Ok(value),
        None => read_again(text),
    }
}

#[cold]
#[inline(never)]
fn read_again<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    serde_json::from_str(text)
}

/// Parses JSON in bytes. If they are UTF-8 as a whole, as they nearly always are, they are not checked again string by
/// string.
///
/// # Errors
/// serde_json's, when it is not such a document.
pub fn read_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> serde_json::Result<T> {
    match utf8(bytes) {
        Ok(text) => read(text),
        Err(_) => serde_json::from_slice(bytes),
    }
}

/// The text of these bytes. They are checked many at a time, even where they are not ASCII.
///
/// # Errors
/// When it is not UTF-8, with the place.
pub fn utf8(bytes: &[u8]) -> Result<&str, std::str::Utf8Error> {
    simdutf8::basic::from_utf8(bytes).or_else(|_| std::str::from_utf8(bytes))
}

/// Decodes a JSON string. Returns None when `raw` is not a string or contains half a surrogate pair. Borrows when there
/// are no escapes.
pub fn decode(raw: &RawValue) -> Option<Cow<'_, str>> {
    read::<Borrowed<'_>>(raw.get()).ok().map(|text| text.0)
}

/// Deserializes an optional text, null being None. Borrows when there are no escapes, which `Option<Cow<str>>` by itself
/// never does.
///
/// # Errors
/// When it is neither a string nor null.
pub fn optional<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    Option::<Borrowed<'a>>::deserialize(deserializer).map(|text| text.map(|text| text.0))
}

/// A string that is borrowed if it has no escapes.
#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the escaped content of a JSON string, without its quotes.
pub fn escaped(raw: &RawValue) -> &[u8] {
    let text = raw.get().as_bytes();
    text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or_default()
}

/// Removes the white space between JSON tokens; borrows when there is none. Google pretty-prints whole answers.
#[expect(clippy::string_slice, reason = "white space is one byte: what is cut there is whole")]
pub fn compact(json: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let (mut kept, mut quoted, mut escape) = (0, false, false);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if escape => escape = false,
            b'\\' => escape = quoted,
            b'"' => quoted = !quoted,
            b' ' | b'\n' | b'\r' | b'\t' if !quoted => {
                out.get_or_insert_default().push_str(&json[kept..at]);
                kept = at + 1;
            }
            _ => {}
        }
    }
    match out {
        None => Cow::Borrowed(json),
        Some(mut out) => {
            out.push_str(&json[kept..]);
            Cow::Owned(out)
        }
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// Appends a number.
pub fn push_number(out: &mut Vec<u8>, number: impl Serialize) {
    // Writing a number to a Vec cannot fail. `format!` would take ten times as long.
    drop(serde_json::to_writer(out, &number));
}

/// Appends `text` escaped for the inside of a JSON string, without quotes.
pub fn push_escaped(out: &mut Vec<u8>, text: &str) {
    // serde_json writes the quotes as well: its opening quote takes the position of the last byte in `out`, which is
    // restored afterwards. An empty buffer has no such byte, so the quote is drained instead.
    let quote = out.pop();
    let start = out.len();
    if serde_json::to_writer(&mut *out, text).is_ok() {
        out.pop();
    }
    match (quote, out.get_mut(start)) {
        (Some(byte), Some(first)) => *first = byte,
        _ => drop(out.drain(start..=start)),
    }
}
