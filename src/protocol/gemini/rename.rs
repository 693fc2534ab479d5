//! Replaces the model's name in requests whose body names the model too. All other values stay byte for byte as they
//! are.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::model::ModelName;
use crate::protocol::rules::document;
use crate::wire::json::{self, Json};

/// The members of an object, in their original order.
struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name.into(), Json::Raw(value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Returns the request for this model. A request that was sent under the model's own name is not touched.
///
/// # Errors
/// 400 when the body is not an object.
pub fn for_model(body: &[u8], asked: &str, model: &ModelName) -> Result<Bytes, Error> {
    if asked == model.as_str() {
        return Ok(Bytes::copy_from_slice(body));
    }
    let members = renamed(document::read(body)?, &model.resource());
    document::written(&members)
}

/// Returns the request under a model name that plugins set.
///
/// # Errors
/// 400 when the body is not an object.
pub fn named(body: &[u8], model: &str) -> Result<Bytes, Error> {
    let resource = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
    document::written(&renamed(document::read(body)?, &resource))
}

/// Replaces `model` in the request itself, in each request of a batch, and in the complete request inside a token
/// count.
fn renamed<'a>(mut members: Members<'a>, resource: &str) -> Members<'a> {
    for (name, value) in &mut members.0 {
        let replacement = match &**name {
            "model" => Some(Json::from_value(&resource)),
            "requests" => json::read::<Vec<Members<'_>>>(value.get()).ok().map(|requests| {
                Json::from_value(&requests.into_iter().map(|request| renamed(request, resource)).collect::<Vec<_>>())
            }),
            "generateContentRequest" | "generate_content_request" => {
                json::read(value.get()).ok().map(|request| Json::from_value(&renamed(request, resource)))
            }
            _ => None,
        };
        if let Some(replacement) = replacement {
            *value = replacement;
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed_to_b(body: &str) -> String {
        let model = ModelName::parse("b").unwrap();
        String::from_utf8(for_model(body.as_bytes(), "a", &model).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn only_the_name_changes() {
        for (body, expected) in [
            (r#"{"contents":[ { "n":1.50 } ]}"#, r#"{"contents":[ { "n":1.50 } ]}"#),
            (r#"{"model":"models/a","x":{"model":"models/a"}}"#, r#"{"model":"models/b","x":{"model":"models/a"}}"#),
            (
                r#"{"requests":[{"model":"models/a","content":{ "y":1e400}},{"model":"models/a"}]}"#,
                r#"{"requests":[{"model":"models/b","content":{ "y":1e400}},{"model":"models/b"}]}"#,
            ),
            (
                r#"{"generateContentRequest":{"model":"models/a","contents":[ ]}}"#,
                r#"{"generateContentRequest":{"model":"models/b","contents":[ ]}}"#,
            ),
            (r#"{"requests":"odd"}"#, r#"{"requests":"odd"}"#),
        ] {
            assert_eq!(renamed_to_b(body), expected);
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["5", "[]", "{"] {
            let error = named(body.as_bytes(), "b").unwrap_err();
            assert!(error.status == 400 && error.message.contains("object"), "{body}: {error:?}");
        }
    }

    #[test]
    fn its_very_name_leaves_every_byte() {
        let body = b"{ \"model\" : \"models/a\",\n\"z\":1 }";
        assert_eq!(for_model(body, "a", &ModelName::parse("a").unwrap()).unwrap(), &body[..]);
    }
}
