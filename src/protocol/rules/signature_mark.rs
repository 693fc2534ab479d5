//! Marks signatures that travel in other vendors' fields, so that another vendor's signatures are recognized and left
//! out. Google rejects a signature it did not make with a 400.

/// The prefix that marks a signature as Gemini's.
const MARK: &str = "g1:";

/// Returns the signature with the mark, as it is sent to clients.
pub fn marked(signature: &str) -> String {
    format!("{MARK}{signature}")
}

/// Returns the signature without the mark; None when it has no mark and is therefore another vendor's.
pub fn unmarked(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|signature| !signature.is_empty())
}
