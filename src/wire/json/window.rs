//! Where a string of JSON needs attention: which bytes of a document are not plain text, 64 bytes at a time.
//!
//! What takes a `Simd` is compiled once for each kind of vectors. It has to be inlined, closures and all: a function of
//! its own would be compiled for the least of them.

use fearless_simd::prelude::*;
use fearless_simd::{mask8x64, u8x64};

/// Some bytes of the document, and which of them are not plain text in a string: quotes, backslashes and control
/// characters. It moves along with the reader, so that strings close to each other share one search. Bits stand for
/// bytes, the lowest for the first.
pub(super) struct Window {
    /// Where it begins.
    pub start: usize,
    /// What is not plain text.
    special: u64,
}

/// How many bytes a [`Window`] covers.
pub(super) const WIDTH: usize = 64;

impl Window {
    /// A window on nothing.
    pub(super) fn new() -> Self {
        // It ends where the document begins.
        Self { start: 0_usize.wrapping_sub(WIDTH), special: 0 }
    }

    /// Returns the position of the first byte from `at` on that is not plain text, if the window shows one.
    #[inline(always)]
    pub(super) fn seen(&self, at: usize) -> Option<usize> {
        let offset = at.wrapping_sub(self.start);
        let rest = if offset < WIDTH { self.special >> offset } else { 0 };
        (rest != 0).then(|| at + rest.trailing_zeros() as usize)
    }

    /// Moves to where there is something special from `at` on, or to `at` if that is not covered and `stays` is set.
    /// Returns what is special from `at` on; None at the end of the document. `at` must never go back.
    #[inline(always)]
    pub(super) fn next<S: Simd>(&mut self, simd: S, json: &[u8], mut at: usize, stays: bool) -> Option<u64> {
        loop {
            let offset = at.wrapping_sub(self.start);
            if offset < WIDTH {
                let rest = self.special & (u64::MAX << offset);
                if rest != 0 || stays {
                    return Some(rest);
                }
                at = self.start + WIDTH;
            }
            self.special = specials(block(simd, json, at)?).to_bitmask();
            self.start = at;
        }
    }

    /// Returns which bytes are backslashes.
    #[inline(always)]
    pub(super) fn backslashes<S: Simd>(&self, simd: S, json: &[u8]) -> Option<u64> {
        Some(block(simd, json, self.start)?.simd_eq(b'\\').to_bitmask())
    }

    /// Returns which bytes may follow a backslash and then are the whole escape.
    #[inline(always)]
    pub(super) fn letters<S: Simd>(&self, simd: S, json: &[u8]) -> Option<u64> {
        Some(letters(block(simd, json, self.start)?).to_bitmask())
    }
}

/// Returns which bytes are escaped by a backslash before them. `open` is whether the first one is, by a backslash before
/// the window, and becomes whether the first one behind the window is.
#[inline]
pub(super) fn escaped(backslashes: u64, open: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = u64::from(*open);
    // Of backslashes in a row, the first one escapes the second, the third one the fourth, the last one perhaps what
    // follows the row: every other byte of the row and the one behind it, from the second on.
    let rows = backslashes & !first;
    let with_next = rows | rows << 1;
    let begins = rows & !(rows << 1);
    // The sum carries the beginning of a row through all of it, to the byte behind. Other rows stay as they are.
    let begun_at_even = rows ^ rows.wrapping_add(begins & EVEN);
    let escaped = (begun_at_even & !EVEN) | (with_next & !begun_at_even & EVEN) | first;
    *open = (rows & !escaped) >> (WIDTH - 1) != 0;
    escaped
}

/// Returns the bytes from `at` on, with spaces for what is behind the end of the document. None if nothing is from `at` on.
#[inline(always)]
fn block<S: Simd>(simd: S, json: &[u8], at: usize) -> Option<u8x64<S>> {
    let rest = json.get(at..)?;
    if let Some(block) = rest.first_chunk::<WIDTH>() {
        return Some(u8x64::simd_from(simd, *block));
    }
    let mut block = [b' '; WIDTH];
    block.get_mut(..rest.len())?.copy_from_slice(rest);
    (!rest.is_empty()).then_some(u8x64::simd_from(simd, block))
}

/// Finds what is not plain text.
#[inline(always)]
fn specials<S: Simd>(bytes: u8x64<S>) -> mask8x64<S> {
    bytes.simd_eq(b'"') | bytes.simd_eq(b'\\') | bytes.simd_lt(b' ')
}

/// Finds the letters of escapes that consist of a backslash and one letter.
#[inline(always)]
fn letters<S: Simd>(bytes: u8x64<S>) -> mask8x64<S> {
    let mut found = mask8x64::splat(bytes.simd, false);
    for letter in LETTERS {
        found |= bytes.simd_eq(*letter);
    }
    found
}

/// These letters.
pub(super) const LETTERS: &[u8; 8] = b"\"\\/bfnrt";

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;

    #[test]
    fn bytes_are_found_at_every_place() {
        // What every machine can do, what this one can, and what most can.
        let mut levels = vec![Level::baseline(), Level::new()];
        #[cfg(target_arch = "x86_64")]
        levels.extend(Level::new().as_avx2().map(Level::Avx2));
        for level in levels {
            dispatch!(level, simd => bytes_are_found_with(simd));
        }
    }

    fn bytes_are_found_with<S: Simd>(simd: S) {
        let found = |find: fn(u8x64<S>) -> mask8x64<S>, bytes: &[u8]| find(block(simd, bytes, 0).unwrap()).to_bitmask();
        for byte in 0..=u8::MAX {
            let special = u64::from(byte < 0x20 || matches!(byte, b'"' | b'\\'));
            let letter = u64::from(LETTERS.contains(&byte));
            for place in 0..WIDTH {
                let mut block = [b'a'; WIDTH];
                block[place] = byte;
                assert_eq!(found(specials, &block), special << place, "{byte:#x} at {place}");
                assert_eq!(found(letters, &block), letter << place, "{byte:#x} at {place}");
            }
            assert_eq!(found(specials, &[byte; WIDTH]), special * u64::MAX, "{byte:#x} everywhere");
        }
    }

    /// Every arrangement of backslashes in the first and the last bytes of a window and around them, against a loop.
    #[test]
    fn every_other_backslash_of_a_row_escapes() {
        for pattern in 0..1_u64 << 12 {
            let low = pattern & 0x3f | (pattern & 0xfc0) << 52 | (pattern & 0x38) << 28;
            for backslashes in [low, !low] {
                for before in [false, true] {
                    let (mut expected, mut escapes) = (0, before);
                    for place in 0..WIDTH {
                        expected |= u64::from(escapes) << place;
                        escapes = !escapes && backslashes >> place & 1 == 1;
                    }
                    let mut open = before;
                    assert_eq!(
                        (escaped(backslashes, &mut open), open),
                        (expected, escapes),
                        "{backslashes:#b}, {before}"
                    );
                }
            }
        }
    }
}
