//! Removes secrets from stored configurations. Each secret is sealed: replaced by a mark made from its digest and a
//! salt. The salt prevents opening seals with a list of digests made elsewhere, and makes equal secrets of two
//! configurations look different. Seals are opened with the secrets that the user's own files contain at that time.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::quoted;
use crate::secret::{Digest, Secret, scrub_google_keys};

const BEGIN: &str = "[sealed:";
const END: char = ']';

/// Seals every one of these secrets in the text, and everything else that looks like a secret.
pub fn seal(text: &str, secrets: &HashSet<Digest>, salt: &str) -> String {
    quoted::replace(text, |piece, range| {
        let digest = Secret::new(piece).digest();
        let known = secrets.contains(&digest);
        let shaped = scrub_google_keys(piece) != piece;
        (known || shaped || (in_comment(text, range.start) && looks_random(piece))).then(|| mark(piece, salt))
    })
}

/// Opens the seals in the text with secrets found in the user's own texts.
///
/// # Errors
/// The number of secrets that none of them contains.
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
                // A comment is still useful without it.
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
    // The salt is empty for generations that were stored before salts were introduced.
    format!("{BEGIN}{}{END}", Digest::of(&format!("{salt}{}", piece.trim())).hex(12))
}

/// Whether this position is inside a comment: its line contains `#` or `//` outside of quotes before it.
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

/// Whether a text looks generated: long, without spaces, with both letters and digits.
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
        // Secrets in comments are not missed, and a broken file still provides its secrets.
        let opened = open(&sealed, &["[[[ \"canary-one\" 'canary two'".to_owned()], "salt").unwrap();
        assert!(opened.contains("keys = [\"canary-one\", \"env:NAME\", { key = 'canary two' }]"), "{opened}");
    }
}
