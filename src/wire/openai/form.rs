//! Types for requests that arrive as forms as often as JSON. The server converts a form to JSON before it is parsed
//! here: fields become strings, and files become objects that hold their bytes as base64. A number may therefore be a
//! string here, and a single value may appear where a list is expected.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A file uploaded in a form.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct File<'a> {
    /// The file's name; empty when it has none.
    #[serde(borrow)]
    pub filename: Cow<'a, str>,
    /// The media type; empty when the form does not specify one.
    #[serde(borrow)]
    pub content_type: Cow<'a, str>,
    /// Base64.
    #[serde(borrow)]
    pub data: Cow<'a, str>,
}

/// A list, or a single value read as a list of one. Null reads as an empty list.
#[derive(Debug, Default)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de: 'a, 'a, T: Deserialize<'a>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let read = match raw.get().as_bytes().first() {
            Some(b'n') => Ok(Vec::new()),
            Some(b'[') => serde_json::from_str(raw.get()),
            _ => serde_json::from_str(raw.get()).map(|one| vec![one]),
        };
        read.map(Self).map_err(D::Error::custom)
    }
}

/// Deserializes a number or boolean, given as JSON or as a string. Null and an empty string are None.
///
/// # Errors
/// When the value is neither.
pub fn value<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'t> Deserialize<'t>,
{
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    let text = raw.get();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).trim();
    serde_json::from_str(if inner.is_empty() { "null" } else { inner }).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Request<'a> {
        #[serde(deserialize_with = "value")]
        n: Option<i64>,
        #[serde(deserialize_with = "value")]
        stream: Option<bool>,
        #[serde(borrow)]
        image: OneOrMany<File<'a>>,
    }

    #[test]
    fn forms_and_json_read_the_same() {
        for body in [
            r#"{"n":2,"stream":true,"image":{"filename":"a","data":"AA=="}}"#,
            r#"{"n":"2","stream":"true","image":[{"filename":"a","data":"AA=="}]}"#,
        ] {
            let request: Request<'_> = serde_json::from_str(body).unwrap();
            assert_eq!((request.n, request.stream), (Some(2), Some(true)));
            assert_eq!((request.image.0.len(), &*request.image.0[0].filename), (1, "a"));
        }
        let request: Request<'_> = serde_json::from_str(r#"{"n":null,"stream":"","image":null}"#).unwrap();
        assert!(request.n.is_none() && request.stream.is_none() && request.image.0.is_empty());
        assert!(serde_json::from_str::<Request<'_>>(r#"{"n":"two"}"#).is_err());
        assert!(serde_json::from_str::<Request<'_>>(r#"{"image":["x"]}"#).is_err());
    }
}
