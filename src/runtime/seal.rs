//! What is kept of a configuration holds no secret: each is sealed, replaced by a mark made of its digest and of a salt, so that no list of
//! digests made elsewhere opens it, and equal secrets of two configurations look different. It is opened again with the secrets that the
//! user's own files hold then.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::quoted;
use crate::secret::{Digest, Secret, scrub_google_keys};

const BEGIN: &str = "[sealed:";
const END: char = ']';

/// The text with every one of these secrets, and whatever else looks like one, sealed.
pub fn seal(text: &str, secrets: &HashSet<Digest>, salt: &str) -> String {
    quoted::replace(text, |piece, range| {
        let digest = Secret::new(piece).digest();
        let known = secrets.contains(&digest);
        let shaped = scrub_google_keys(piece) != piece;
        (known || shaped || (in_comment(text, range.start) && looks_random(piece))).then(|| mark(piece, salt))
    })
}

/// The text with its seals opened by what the user's own texts hold.
///
/// # Errors
/// How many secrets are in none of them.
pub fn open(text: &str, own: &[String], salt: &str) -> Result<String, usize> {
    if !text.contains(BEGIN) {
        return Ok(text.to_owned());
    }
    let found: HashMap<String, &str> = own
        .iter()
        .flat_map(|own| quoted::pieces(own).into_iter().filter_map(|piece| own.get(piece)))
        .map(|piece| (mark(piece, salt), piece))
        .collect();
    let mut opened = String::with_capacity(text.len());
    let mut lost = BTreeSet::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let (before, sealed) = rest.split_at(start);
        let (seal, after) = sealed.split_at(sealed.find(END).map_or(sealed.len(), |end| end + 1));
        opened.push_str(before);
        match found.get(seal) {
            Some(secret) => opened.push_str(secret),
            None => {
                // A comment says the same without what stood there.
                if !in_comment(&opened, opened.len()) {
                    lost.insert(seal);
                }
                opened.push_str(seal);
            }
        }
        rest = after;
    }
    opened.push_str(rest);
    if lost.is_empty() { Ok(opened) } else { Err(lost.len()) }
}

fn mark(piece: &str, salt: &str) -> String {
    // Without a salt, as it was sealed before there were any.
    format!("{BEGIN}{}{END}", Digest::of(&format!("{salt}{}", piece.trim())).hex(12))
}

/// Whether the line has a `#`, or `//`, outside of quotes before this byte.
fn in_comment(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let mut quote = None;
    let mut last = ' ';
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return true,
            (None, '/') if last == '/' => return true,
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        last = c;
    }
    false
}

/// Long, of one word, with digits among letters: nobody writes that by hand.
fn looks_random(piece: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    piece.len() >= 16
        && piece.chars().all(word)
        && piece.contains(|c: char| c.is_ascii_digit())
        && piece.contains(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
keys = ["canary-one", "env:NAME", { key = 'canary two' }]   # once "canary-0123456789abc"
# "AIzaSyCanary0123456789abcdefghijklmnopqr" was the first
model = "gemini-2.5-flash-preview-09-2025"
"#;

    fn secrets() -> HashSet<Digest> {
        ["canary-one", "canary two"].iter().map(|text| Secret::new(text).digest()).collect()
    }

    #[test]
    fn sealed_texts_hold_no_secret_and_open_again() {
        let sealed = seal(TEXT, &secrets(), "salt");
        assert!(!sealed.to_lowercase().contains("canary"), "{sealed}");
        assert!(sealed.contains("env:NAME") && sealed.contains("gemini-2.5-flash-preview-09-2025"), "{sealed}");
        assert_eq!(open(&sealed, &[TEXT.to_owned()], "salt").unwrap(), TEXT);
        assert_ne!(sealed, seal(TEXT, &secrets(), "another salt"));
        assert_eq!(open(&sealed, &[TEXT.to_owned()], "another salt"), Err(2));
    }

    #[test]
    fn a_secret_that_is_nowhere_any_more_is_missed() {
        let sealed = seal(TEXT, &secrets(), "salt");
        assert_eq!(open(&sealed, &["other = \"canary-one\"".to_owned()], "salt"), Err(1));
        // What stood in comments is not missed; and a broken file still holds its secrets.
        let opened = open(&sealed, &["[[[ \"canary-one\" 'canary two'".to_owned()], "salt").unwrap();
        assert!(opened.contains("keys = [\"canary-one\", \"env:NAME\", { key = 'canary two' }]"), "{opened}");
    }
}
