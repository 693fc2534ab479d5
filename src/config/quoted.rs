//! Finds the parts of a text that could be a secret: quoted strings and long words.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Returns the byte ranges of quoted strings, without the quotes, and of words with at least eight characters, in
/// order.
pub fn pieces(text: &str) -> Vec<Range<usize>> {
    #[expect(clippy::expect_used, reason = "a constant pattern, which the tests compile")]
    static PIECE: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#""(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"',\[\]{}=#]{8,}"#;
        Regex::new(pattern).expect("a constant pattern compiles")
    });
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(found) = PIECE.find_at(text, from) {
        let before = text.get(..found.start()).and_then(|before| before.chars().next_back());
        let quoted = found.as_str().starts_with(['"', '\'']);
        // An apostrophe within a word does not open a string.
        if found.as_str().starts_with('\'') && before.is_some_and(char::is_alphanumeric) {
            from = found.start() + 1;
            continue;
        }
        pieces.push(if quoted { found.start() + 1..found.end() - 1 } else { found.range() });
        from = found.end();
    }
    pieces
}

/// Returns the text with each piece replaced by the result of `replacement`; None keeps the piece.
pub fn replace(text: &str, replacement: impl Fn(&str, Range<usize>) -> Option<String>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut done = 0;
    for piece in pieces(text) {
        let Some(new) = text.get(piece.clone()).and_then(|old| replacement(old, piece.clone())) else { continue };
        replaced.push_str(text.get(done..piece.start).unwrap_or_default());
        replaced.push_str(&new);
        done = piece.end;
    }
    replaced.push_str(text.get(done..).unwrap_or_default());
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_long_words() {
        let text = "a = \"x\" # don't tell 'one two', abcdefgh\nb = [ 'y', \"z\\\"z\" ]\nit's";
        let found: Vec<&str> = pieces(text).into_iter().map(|piece| &text[piece]).collect();
        assert_eq!(found, ["x", "one two", "abcdefgh", "y", "z\\\"z"]);
        assert_eq!(replace("k = \"a\", 'b'", |old, _| (old == "b").then(|| "!".into())), "k = \"a\", '!'");
    }
}
