//! The text of an answer, for dialects that need nothing else.

use crate::wire::gemini::response::Part;
use crate::wire::json::decode;

/// Returns the text of these parts, without thoughts.
pub fn of<'a>(parts: impl IntoIterator<Item = &'a Part<'a>>) -> String {
    let mut words = String::new();
    for part in parts.into_iter().filter(|part| !part.thought) {
        if let Some(text) = part.text {
            words.push_str(&decode(text).unwrap_or_default());
        }
    }
    words
}
