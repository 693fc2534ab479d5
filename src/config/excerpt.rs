//! The source line of a problem, made safe to display. A line may contain a secret, possibly in an unexpected place.
//! Quoted values and long words are therefore masked so that only their length shows; names, numbers and references
//! to secrets are shown.

use std::path::Path;

use super::quoted;
use crate::problem::{Problems, Source};
use crate::reading::Reading;
use crate::secret::scrub_google_keys;

/// Replaces each masked character.
const VEIL: char = '·';
/// Maximum number of characters that are shown.
const LONGEST: usize = 200;

/// Adds the source line to each problem.
pub fn add(problems: &mut Problems, reading: &Reading) {
    for problem in problems.iter_mut() {
        if let Some(Source::File { file, line: Some(line), .. }) = &problem.source {
            problem.excerpt = line_of(reading, file, *line).map(|line| veiled(&line)).filter(|line| !line.is_empty());
        }
    }
}

/// Returns a line of a file, unless the file holds secrets by its nature, such as `.env`.
fn line_of(reading: &Reading, file: &Path, line: usize) -> Option<String> {
    let text = reading.shown(file)?;
    let mut lines = text.lines();
    let before = line.checked_sub(1)?;
    // Inside a multi-line string there are no quotes that would show where a value begins.
    let open =
        |quotes: &str| text.lines().take(before).map(|line| line.matches(quotes).count()).sum::<usize>() % 2 == 1;
    if open("\"\"\"") || open("'''") {
        return None;
    }
    lines.nth(before).map(str::to_owned)
}

/// Returns the line without its comment and with values masked. Every character keeps its column.
fn veiled(line: &str) -> String {
    let line = line.trim_end();
    let (comment, open) = ends(line);
    let code = line.get(..comment).unwrap_or(line).trim_end();
    let names_end = code.find('=').unwrap_or(0);
    let shown = quoted::replace(code, |piece, range| {
        let refers = piece.starts_with("env:") || piece.starts_with("file:");
        let quoted = code.get(..range.start).is_some_and(|before| before.ends_with(['"', '\'']));
        let rest = code.get(range.end..).unwrap_or_default().trim_start_matches(['"', '\'', ' ']);
        let name = rest.starts_with('=') || (!quoted && range.end <= names_end) || is_header(code);
        let harmless = (refers || (name && !looks_random(piece))) && scrub_google_keys(piece) == piece;
        (!harmless).then(|| VEIL.to_string().repeat(piece.chars().count()))
    });
    let open = open.map_or(usize::MAX, |open| line.get(..=open).unwrap_or_default().chars().count());
    let shown = shown.chars().take(LONGEST).enumerate();
    shown
        .map(|(at, c)| {
            if at >= open {
                VEIL
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// Returns whether the line is a table header such as `[server]` or `[[list]]`, not the elements of a list.
fn is_header(code: &str) -> bool {
    let name = code.trim().trim_start_matches('[').trim_end_matches(']');
    code.trim().starts_with('[') && !name.starts_with(['"', '\'', ' ']) && !name.contains([',', '{', '=', '('])
}

/// Returns whether a name looks like a secret: upper-case and lower-case letters and digits in one long word.
fn looks_random(name: &str) -> bool {
    let has = |kind: fn(&char) -> bool| name.chars().any(|c| kind(&c));
    name.len() >= 16 && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit)
}

/// Returns where the comment begins, or the line ends, and where an unclosed quote begins.
fn ends(line: &str) -> (usize, Option<usize>) {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return (at, None),
            (None, '"' | '\'') => quote = Some((at, c)),
            (Some((_, open)), c) if open == c => quote = None,
            _ => {}
        }
    }
    (line.len(), quote.map(|(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_and_values_are_not() {
        for (line, shown) in [
            ("lisen = \"0.0.0.0:1\"   # canary", "lisen = \"·········\""),
            (
                "keys = [\"env:K\", { key = \"canary\", wieght = 2 }]",
                "keys = [\"env:K\", { key = \"······\", wieght = 2 }]",
            ),
            ("\"gpt-4o\" = { modle = 'canary' }", "\"gpt-4o\" = { modle = '······' }"),
            ("first_byte_timeout = 5", "first_byte_timeout = 5"),
            ("key = canary-canary", "key = ·············"),
            ("[pools.default-and-more]", "[pools.default-and-more]"),
            ("[models.facts.\"gemini-x-and-more\"]", "[models.facts.\"gemini-x-and-more\"]"),
            ("  \"canary\",", "  \"······\","),
            ("[\"canary\"]", "[\"······\"]"),
            ("key = \"canar", "key = \"·····"),
            ("c2VjcmV0Y2FuYXJ5MTIz = 1", "···················· = 1"),
            ("canary-canary-canary", "····················"),
            ("AIzaSyCanary0123456789abcdefghijklmnopqr = 1", "········································ = 1"),
        ] {
            assert_eq!(veiled(line), shown, "{line}");
            assert_eq!(shown.chars().count(), line.split("   #").next().unwrap_or(line).chars().count(), "{line}");
        }
    }
}
