//! Stateless thought signatures: each encodes the call it was made for, so one that is sent back with another call is
//! detected.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::secret::Digest;

/// The placeholders that Google documents for calls without a signature, as plain text and in base64.
const ESCAPES: &[&str] = &[
    "context_engineering_is_the_way_to_go",
    "skip_thought_signature_validator",
    "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",
    "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
];
const MARK: &str = "stand-in signature of ";

/// Returns the signature of a call.
pub fn of_call(name: &str, args: &Value) -> String {
    STANDARD.encode(format!("{MARK}{}", call_digest(name, args)))
}

/// Returns a signature of a text.
pub fn of_text() -> String {
    STANDARD.encode(format!("{MARK}a text"))
}

/// Returns whether a signature is valid for this call. Signatures that were not made here are accepted if they may be
/// Google's own, for instance from recordings.
pub fn fits(signature: &str, name: &str, args: &Value) -> bool {
    let decoded = STANDARD.decode(signature).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.strip_prefix(MARK)) {
        Some(digest) => digest == call_digest(name, args),
        None => ESCAPES.contains(&signature) || signature.len() > 16,
    }
}

fn call_digest(name: &str, args: &Value) -> String {
    // In a sorted form, because clients may reorder keys.
    fn sorted(value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let mut fields: Vec<String> =
                    map.iter().map(|(key, value)| format!("{key}:{}", sorted(value))).collect();
                fields.sort();
                format!("{{{}}}", fields.join(","))
            }
            Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
            other => other.to_string(),
        }
    }
    Digest::of(&format!("{name} {}", sorted(args))).hex(8)
}
