//! Finds where JSON tokens end. Checks the whole grammar and builds nothing: strings are left as they are written.
//!
//! Every function takes the document and a position in it, and returns None for what is not JSON.

use fearless_simd::{Level, Simd, dispatch};

use super::window::{LETTERS, WIDTH, Window, escaped};

/// Returns the position of the first byte that is not white space; the end of the document if there is none.
#[inline]
pub(super) fn space(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = json.get(at) {
        at += 1;
    }
    at
}

/// Returns the end of the literal `word` if it is here.
#[inline]
pub(super) fn word(json: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    json.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Returns the end of a string, which is behind its closing quote, and whether the string has escapes. `at` is behind
/// the opening quote. Half a surrogate pair is passed over here, it is no error until the string is decoded.
#[inline(always)]
pub(super) fn string(json: &[u8], window: &mut Window, at: usize) -> Option<(usize, bool)> {
    // Most strings are short and have no escapes.
    match window.seen(at) {
        Some(here) if json.get(here) == Some(&b'"') => Some((here + 1, false)),
        _ => any_string(json, window, at),
    }
}

#[inline(never)]
fn any_string(json: &[u8], window: &mut Window, at: usize) -> Option<(usize, bool)> {
    // With the widest vectors this machine has.
    dispatch!(Level::new(), simd => any_string_with(simd, json, window, at))
}

#[inline(always)]
fn any_string_with<S: Simd>(simd: S, json: &[u8], window: &mut Window, mut at: usize) -> Option<(usize, bool)> {
    // Whether there are escapes, and whether the bytes that were looked at end within one.
    let (mut escapes, mut open) = (false, false);
    loop {
        let special = window.next(simd, json, at, open)?;
        let backslashes = special & window.backslashes(simd, json)?;
        let escaped = escaped(backslashes, &mut open);
        let ends = special & !backslashes & !escaped;
        // What is before the first end.
        let escaped = escaped & ends.wrapping_sub(1) & !ends;
        if escaped != 0 {
            escapes = true;
            escapes_are_good(simd, json, window, escaped)?;
        }
        if ends != 0 {
            let end = window.start + ends.trailing_zeros() as usize;
            return (json.get(end) == Some(&b'"')).then_some((end + 1, escapes));
        }
        at = window.start + WIDTH;
    }
}

/// Checks what is behind each backslash: the bytes of the window that `escaped` has a bit for.
#[inline(always)]
fn escapes_are_good<S: Simd>(simd: S, json: &[u8], window: &Window, mut escaped: u64) -> Option<()> {
    let without_two = |bits: u64| {
        let bits = bits & bits.wrapping_sub(1);
        bits & bits.wrapping_sub(1)
    };
    // Texts with escapes tend to have many of them, and then it is faster to look at all bytes together.
    if without_two(escaped) != 0 {
        escaped &= !window.letters(simd, json)?;
    }
    while escaped != 0 {
        let here = window.start + escaped.trailing_zeros() as usize;
        match json.get(here)? {
            b'u' => json.get(here + 1..here + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(())?,
            letter => LETTERS.contains(letter).then_some(())?,
        }
        escaped &= escaped - 1;
    }
    Some(())
}

/// Returns the end of a number, and whether it is written without fraction and exponent.
#[inline]
pub(super) fn number(json: &[u8], mut at: usize) -> Option<(usize, bool)> {
    if json.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match json.get(at)? {
        b'0' if json.get(at + 1).is_some_and(u8::is_ascii_digit) => return None,
        _ => digits(json, at)?,
    };
    match json.get(at) {
        Some(b'.' | b'e' | b'E') => Some((fraction(json, at)?, false)),
        _ => Some((at, true)),
    }
}

/// Returns the end of a fraction or an exponent or both.
fn fraction(json: &[u8], mut at: usize) -> Option<usize> {
    if json.get(at) == Some(&b'.') {
        at = digits(json, at + 1)?;
    }
    if let Some(b'e' | b'E') = json.get(at) {
        let sign = matches!(json.get(at + 1), Some(b'+' | b'-'));
        at = digits(json, at + 1 + usize::from(sign))?;
    }
    Some(at)
}

/// Returns the end of at least one digit.
fn digits(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while json.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > start).then_some(at)
}

/// Returns the end of the value that begins here, whatever it is. Also None if it is nested too deeply for [`Nesting`].
pub(super) fn value(json: &[u8], window: &mut Window, mut at: usize) -> Option<usize> {
    let mut around = Nesting::default();
    loop {
        at = match json.get(at)? {
            b'"' => string(json, window, at + 1)?.0,
            b'{' => {
                at = space(json, at + 1);
                if json.get(at) == Some(&b'}') {
                    at + 1
                } else {
                    around.enter(true)?;
                    at = key(json, window, at)?.1;
                    continue;
                }
            }
            b'[' => {
                at = space(json, at + 1);
                if json.get(at) == Some(&b']') {
                    at + 1
                } else {
                    around.enter(false)?;
                    continue;
                }
            }
            b't' => word(json, at, b"true")?,
            b'f' => word(json, at, b"false")?,
            b'n' => word(json, at, b"null")?,
            _ => number(json, at)?.0,
        };
        loop {
            if around.depth == 0 {
                return Some(at);
            }
            at = space(json, at);
            match (json.get(at)?, around.in_object()) {
                (b',', true) => {
                    at = key(json, window, space(json, at + 1))?.1;
                    break;
                }
                (b',', false) => {
                    at = space(json, at + 1);
                    break;
                }
                (b'}', true) | (b']', false) => around.leave(),
                _ => return None,
            }
            at += 1;
        }
    }
}

/// Returns the key that is here, as it is written, and the position of its value.
#[inline]
pub(super) fn key<'a>(json: &'a [u8], window: &mut Window, at: usize) -> Option<(&'a [u8], usize)> {
    if json.get(at) != Some(&b'"') {
        return None;
    }
    let (end, _) = string(json, window, at + 1)?;
    Some((json.get(at + 1..end - 1)?, colon(json, end)?))
}

/// Returns the position of the value behind a colon.
#[inline]
pub(super) fn colon(json: &[u8], at: usize) -> Option<usize> {
    let at = space(json, at);
    (json.get(at) == Some(&b':')).then(|| space(json, at + 1))
}

/// The objects and arrays around a value: a bit for each, set for an object, the innermost in the lowest place.
#[derive(Default)]
struct Nesting {
    objects: u128,
    depth: u32,
}

impl Nesting {
    #[inline]
    fn enter(&mut self, object: bool) -> Option<()> {
        self.objects = self.objects << 1 | u128::from(object);
        self.depth += 1;
        (self.depth <= u128::BITS).then_some(())
    }

    #[inline]
    fn leave(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    #[inline]
    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}
