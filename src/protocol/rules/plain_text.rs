//! What an answer says in words, for dialects that want nothing else of it.

use crate::wire::gemini::response::Part;
use crate::wire::json::decode;

/// The words of these parts, thoughts left out.
pub fn of<'a>(parts: impl IntoIterator<Item = &'a Part<'a>>) -> String {
    let mut words = String::new();
    for part in parts.into_iter().filter(|part| !part.thought) {
        if let Some(text) = part.text {
            words.push_str(&decode(text).unwrap_or_default());
        }
    }
    words
}
