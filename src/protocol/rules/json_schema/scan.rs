//! Decides whether a schema has to be parsed at all. Most schemas contain nothing that Gemini objects to, and the same
//! tools come with every request of a conversation. This scans the text once and stores nothing.

use super::TO_DESCRIPTION;
use super::clean::{ASIDE, DROPPED, FORMATS};

/// Whether any keyword may have to change. A property named like a keyword only causes an unnecessary parse.
pub fn needs_cleaning(schema: &str) -> bool {
    let mut text = Text(schema.as_bytes());
    while let Some((word, value)) = text.next_word() {
        if may_change(word, value) {
            return true;
        }
    }
    false
}

/// Whether this keyword may have to change; `value` is the text after its colon.
fn may_change(word: &[u8], value: &[u8]) -> bool {
    match word {
        // A schema that is `true`.
        _ if value.starts_with(b"t") => true,
        b"type" | b"description" | b"properties" | b"required" | b"title" => false,
        b"const" | b"nullable" | b"allOf" | b"definitions" | b"$ref" => true,
        b"enum" => value.strip_prefix(b"[").is_some_and(has_other_than_strings),
        // A tuple, or `false`.
        b"items" => value.starts_with(b"[") || value.starts_with(b"f"),
        b"format" => Text(value).next_string().is_none_or(|format| !FORMATS.iter().any(|own| own.as_bytes() == format)),
        _ => {
            let is_it = |own: &&str| own.as_bytes() == word;
            word.starts_with(b"x-") || [TO_DESCRIPTION, DROPPED, ASIDE].iter().any(|words| words.iter().any(is_it))
        }
    }
}

/// Whether a list has a member that is not a string; `list` is the text after its bracket.
fn has_other_than_strings(list: &[u8]) -> bool {
    let mut text = Text(list);
    loop {
        text.0 = text.0.trim_ascii_start();
        match text.0.first() {
            Some(b'"') => drop(text.next_string()),
            Some(b',') => text.0 = text.0.get(1..).unwrap_or_default(),
            Some(b']') | None => return false,
            Some(_) => return true,
        }
    }
}

/// The rest of a JSON text.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Returns the next member name at any depth, and the text from its value on.
    fn next_word(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        loop {
            let word = self.next_string()?;
            if let Some(value) = self.0.trim_ascii_start().strip_prefix(b":") {
                return Some((word, value.trim_ascii_start()));
            }
        }
    }

    /// Returns the next string as it is written, without its quotes.
    fn next_string(&mut self) -> Option<&'a [u8]> {
        let begin = memchr::memchr(b'"', self.0)? + 1;
        let string = self.0.get(begin..)?;
        let mut end = 0;
        loop {
            end += memchr::memchr2(b'"', b'\\', string.get(end..)?)?;
            if string.get(end) == Some(&b'"') {
                break;
            }
            end += 2;
        }
        self.0 = string.get(end + 1..)?;
        string.get(..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_to_change() {
        for (schema, suspect) in [
            (r#"{"type":"object","properties":{"a":{"type":"string","enum":["x","y\"]"]}},"required":["a"]}"#, false),
            (r#"{"description":"say \"const\": 1, or \\","type":"string"}"#, false),
            (r#"{"type":"string", "format" : "date-time"}"#, false),
            (r#"{"enum":[ ]}"#, false),
            (r#"{"properties":{"enum":{"type":"string"}}}"#, false),
            (r#"{"type":"string", "format" : "uuid"}"#, true),
            (r#"{"format":7}"#, true),
            (r#"{"enum":["a", null]}"#, true),
            (r#"{"enum":["a\"", 1]}"#, true),
            (r#"{"additionalProperties": true}"#, true),
            (r#"{"items":[{}]}"#, true),
            (r#"{"items" : false}"#, true),
            (r#"{"items":{"x-own":1}}"#, true),
            (r##"{"a":{"$ref":"#/b"}}"##, true),
            (r#"{"not":{}}"#, true),
            (r#"{"if":{}}"#, true),
            (r#"{"$schema":"s"}"#, true),
            (r#"{"description":"longer than a name is, with \"quotes\" and a \\","const":1}"#, true),
            (r#"{"description":"longer than a name is, with \"quotes\" and a \\","type":"string"}"#, false),
            (r#"{"description":"sixteen letters.","const":1}"#, true),
            (r#"{"description":"it never ends, however long one reads it"#, false),
        ] {
            assert_eq!(needs_cleaning(schema), suspect, "{schema}");
        }
    }
}
