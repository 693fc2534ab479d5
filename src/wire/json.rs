//! JSON text that is passed on rather than understood, and a writer for the hot path.
//!
//! A JSON string that goes from one document into another needs no decoding: its escape text is valid in both. So texts stay
//! [`RawValue`]s from end to end, and what is written is mostly copied.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// Text for a JSON string: taken over as it stood in another document, or of our own making.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// A whole JSON string, quotes and escapes included.
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

    /// How long it is in bytes, as it stands here.
    pub fn len(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.get().len(),
            Self::Plain(text) => text.len(),
        }
    }

    /// Whether there is no character in it.
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

/// A JSON value that is passed on: as it stood in another document, or of our own making.
#[derive(Clone, Debug)]
pub enum Json<'a> {
    /// As it stood.
    Raw(&'a RawValue),
    /// Ours.
    Own(Box<RawValue>),
}

impl Json<'_> {
    /// From text that ought to be JSON; None when it is not.
    pub fn parse(text: &str) -> Option<Self> {
        RawValue::from_string(text.to_owned()).ok().map(Self::Own)
    }

    /// From a value.
    pub fn from_value(value: &impl Serialize) -> Self {
        Self::Own(serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// The JSON text.
    pub fn get(&self) -> &str {
        match self {
            Self::Raw(raw) => raw.get(),
            Self::Own(raw) => raw.get(),
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(raw) => raw.serialize(serializer),
            Self::Own(raw) => raw.serialize(serializer),
        }
    }
}

/// What kind of value a JSON text holds, told by its first character.
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

    /// As OpenAI names it in its messages.
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

/// The text of a JSON string; None when it is none, or holds half a surrogate pair. Borrowed when there is no escape in it.
pub fn decode(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

    serde_json::from_str::<Borrowed<'_>>(raw.get()).ok().map(|text| text.0)
}

/// The escape text of a JSON string: what stands between its quotes.
pub fn escaped(raw: &RawValue) -> &[u8] {
    let text = raw.get().as_bytes();
    text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or_default()
}

/// JSON text without the white space between its tokens; borrowed when there is none. Google prints whole answers for people.
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

/// Appends `text` escaped for the inside of a JSON string, without quotes.
pub fn push_escaped(out: &mut Vec<u8>, text: &str) {
    // serde_json writes the quotes too: let it have the one that is there, or lend it one.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_pushed_reads_back(text in any::<String>()) {
            let mut out = Vec::new();
            push_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn compact_touches_no_string() {
        for (json, expected) in [
            ("{\n  \"a b\": [1, 2],\t\"c\\\" d\": \"\\\\\" }", r#"{"a b":[1,2],"c\" d":"\\"}"#),
            (r#"{"a":1}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(compact(json), expected);
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        let raw = RawValue::from_string(r#""a\ud83d""#.into()).unwrap();
        assert_eq!(decode(&raw), None);
    }
}
