//! Regular expressions that run in linear time, are compiled once, and can tell where in unfinished text a match
//! could still grow. This lets a replacement in a stream give the same result as in the whole text: only what could
//! still become a match is held back.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use moka::sync::Cache;
use regex::{Regex, RegexBuilder};
use regex_automata::hybrid::dfa;
use regex_automata::nfa::thompson::{Compiler, Config};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Hir, HirKind};
use rhai::EvalAltResult;

use crate::plugin::sandbox::{LONGEST_STRING, shortened};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Compiled patterns, shared by all plugins.
static PATTERNS: LazyLock<Cache<String, Arc<Pattern>>> = LazyLock::new(|| Cache::new(256));
/// Maximum size of a compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;
/// Maximum length of text that is held back for a match to grow, in bytes. A longer possible match is not waited for.
pub const LONGEST_WAIT: usize = 4096;
/// Maximum number of DFA steps to determine what must be held back. Beyond it, the rest is held back unexamined.
const MOST_STEPS: usize = 64 * 1024;

/// A compiled pattern.
pub struct Pattern {
    /// Finds matches.
    pub regex: Regex,
    growth: Mutex<Growth>,
}

/// Determines whether a match could still grow. Uses the same pattern without its look-around assertions, so it errs
/// on the side of waiting.
struct Growth {
    dfa: dfa::DFA,
    cache: dfa::Cache,
}

/// Returns the compiled pattern, from the cache if possible.
///
/// # Errors
/// Fails if the pattern is invalid or too large.
pub fn compiled(pattern: &str) -> Answer<Arc<Pattern>> {
    if let Some(known) = PATTERNS.get(pattern) {
        return Ok(known);
    }
    let compiled =
        Arc::new(compile(pattern).map_err(|why| format!("the pattern is invalid or too large: {}", shortened(&why)))?);
    PATTERNS.insert(pattern.to_owned(), compiled.clone());
    Ok(compiled)
}

fn compile(pattern: &str) -> Result<Pattern, String> {
    let regex = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN).build();
    let regex = regex.map_err(|error| error.to_string())?;
    let hir = regex_syntax::parse(pattern).map_err(|error| error.to_string())?;
    let config = Config::new().nfa_size_limit(Some(LARGEST_PATTERN * 4));
    let nfa = Compiler::new().configure(config).build_from_hir(&without_looks(&hir)).map_err(|e| e.to_string())?;
    let config = dfa::Config::new().match_kind(MatchKind::All).skip_cache_capacity_check(true);
    let dfa = dfa::Builder::new().configure(config).build_from_nfa(nfa).map_err(|error| error.to_string())?;
    let cache = dfa.create_cache();
    Ok(Pattern { regex, growth: Mutex::new(Growth { dfa, cache }) })
}

/// Returns the pattern with every look-around assertion replaced by one that always holds.
fn without_looks(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(_) | HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(class) => Hir::class(class.clone()),
        HirKind::Capture(capture) => without_looks(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_looks).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without_looks).collect()),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(without_looks(&repetition.sub));
            Hir::repetition(repetition)
        }
    }
}

impl Pattern {
    /// Returns the first position from `from` on where a match could begin that more text might change; the end of
    /// the text if there is none.
    pub fn grows_from(&self, text: &str, from: usize) -> usize {
        // Text before this has waited too long: a match that begins there is decided by the text so far.
        let earliest = text.len().saturating_sub(LONGEST_WAIT).max(from);
        let mut growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        let mut steps = 0;
        for (offset, _) in text.get(from..).unwrap_or_default().char_indices() {
            let begin = from + offset;
            if begin >= earliest && growth.lives(text.get(begin..).unwrap_or_default().as_bytes(), &mut steps) {
                return begin;
            }
        }
        text.len()
    }
}

impl Growth {
    /// Returns whether a match that begins with `text` could continue after it.
    fn lives(&mut self, text: &[u8], steps: &mut usize) -> bool {
        let start = start::Config::new().anchored(Anchored::Yes);
        let Ok(mut state) = self.dfa.start_state(&mut self.cache, &start) else { return true };
        for byte in text {
            *steps += 1;
            if *steps > MOST_STEPS {
                return true;
            }
            match self.dfa.next_state(&mut self.cache, state, *byte) {
                Ok(next) if next.is_dead() => return false,
                Ok(next) => state = next,
                Err(_) => return true,
            }
        }
        true
    }
}

/// Text of one stream that is held back for one pattern.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// The character before the held text, for look-behind assertions; then the held text.
    text: String,
    /// The length of that character.
    seen: usize,
    /// Whether the held text comes directly after a match. No empty match is allowed there.
    after_match: bool,
}

impl Waiting {
    /// Returns the held text.
    pub fn text(&self) -> &str {
        self.text.get(self.seen..).unwrap_or_default()
    }

    /// Appends a piece and returns the text that is final, with each match replaced by what `with` writes.
    ///
    /// # Errors
    /// Fails if the result is too long.
    pub fn replace(
        &mut self,
        pattern: &Pattern,
        piece: &str,
        last: bool,
        mut with: impl FnMut(&regex::Captures<'_>, &mut String),
    ) -> Answer<String> {
        self.text.push_str(piece);
        let text = &self.text;
        let mut out = String::new();
        let mut at = self.seen;
        loop {
            let certain = if last { text.len() + 1 } else { pattern.grows_from(text, at) };
            let found = pattern.regex.captures_at(text, at).filter(|found| begin(found) < certain);
            let Some(found) = found else {
                let certain = certain.min(text.len());
                out.push_str(text.get(at..certain).unwrap_or_default());
                self.after_match &= at == certain;
                at = certain;
                break;
            };
            let (begin, end) = found.get(0).map_or((at, at), |whole| (whole.start(), whole.end()));
            out.push_str(text.get(at..begin).unwrap_or_default());
            let nothing_again = begin == end && at == begin && self.after_match;
            if !nothing_again {
                with(&found, &mut out);
            }
            at = end;
            self.after_match = true;
            if begin == end {
                // After an empty match, the search continues after the next character.
                let Some(next) = text.get(end..).and_then(|rest| rest.chars().next()) else { break };
                out.push(next);
                at += next.len_utf8();
                self.after_match = false;
            }
            if out.len() > LONGEST_STRING {
                return Err(format!("the text would be longer than {LONGEST_STRING} bytes").into());
            }
        }
        self.keep_from(at);
        Ok(out)
    }

    /// Drops the text before `at`, except for the character directly before it.
    fn keep_from(&mut self, at: usize) {
        let before = self.text.get(..at).and_then(|before| before.chars().next_back()).map_or(0, char::len_utf8);
        self.text.drain(..at - before);
        self.seen = before;
    }
}

fn begin(found: &regex::Captures<'_>) -> usize {
    found.get(0).map_or(usize::MAX, |whole| whole.start())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn streamed(pattern: &str, pieces: &[&str]) -> String {
        let pattern = compiled(pattern).unwrap();
        let mut waiting = Waiting::default();
        let mut out = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            let last = at + 1 == pieces.len();
            out += &waiting.replace(&pattern, piece, last, |found, out| found.expand("<$0>", out)).unwrap();
        }
        out
    }

    #[test]
    fn nothing_waits_that_cannot_match() {
        let pattern = compiled(r"\b[0-9]{4}\b").unwrap();
        for (text, waits) in [("hello ", 6), ("call 12", 5), ("世界 1234", 7), ("", 0), ("12345!?", 7)] {
            assert_eq!(pattern.grows_from(text, 0), waits, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_stream_says_what_the_whole_says(
            text in "[a-c1-3 é@.-]{0,40}",
            cuts in prop::collection::vec(0usize..40, 0..6),
            pattern in prop::sample::select(vec![
                "[0-9]+", r"\b[0-9]{2}\b", "a+b|ab*c", "(?i)AB", "^a", "c$", "", "a*", r"\w+@\w+(\.\w+)+", "é|1é", "(a|b)*?c", r"(?m)^.",
            ]),
        ) {
            let whole = Regex::new(pattern).unwrap().replace_all(&text, "<$0>").into_owned();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            pieces.push(&text[from..]);
            prop_assert_eq!(streamed(pattern, &pieces), whole, "{:?}", pieces);
        }
    }
}
