//! Signatures in the fields other vendors have for such things: marked as ours, so that another vendor's are recognised and
//! left out. Google answers one that it did not make with a 400.

/// What marks a signature as Gemini's.
const MARK: &str = "g1:";

/// A signature as it travels.
pub fn marked(signature: &str) -> String {
    format!("{MARK}{signature}")
}

/// The signature in what came back, if it is one of ours.
pub fn unmarked(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|signature| !signature.is_empty())
}
