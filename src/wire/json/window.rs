//! Where a string of JSON needs attention: which bytes of a document are not plain text, 64 bytes at a time.

use wide::u8x16;

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
    #[inline]
    pub(super) fn next(&mut self, json: &[u8], mut at: usize, stays: bool) -> Option<u64> {
        loop {
            let offset = at.wrapping_sub(self.start);
            if offset < WIDTH {
                let rest = self.special & (u64::MAX << offset);
                if rest != 0 || stays {
                    return Some(rest);
                }
                at = self.start + WIDTH;
            }
            self.special = bits(json, at, specials)?;
            self.start = at;
        }
    }

    /// Returns which bytes are backslashes.
    #[inline]
    pub(super) fn backslashes(&self, json: &[u8]) -> Option<u64> {
        bits(json, self.start, |bytes| bytes.simd_eq(u8x16::splat(b'\\')))
    }

    /// Returns which bytes may follow a backslash and then are the whole escape.
    #[inline]
    pub(super) fn letters(&self, json: &[u8]) -> Option<u64> {
        bits(json, self.start, letters)
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

/// Returns a bit for each byte from `at` on in which `find` finds something; none for what is behind the end of the
/// document. None if nothing is from `at` on.
#[inline]
fn bits(json: &[u8], at: usize, find: impl Fn(u8x16) -> u8x16) -> Option<u64> {
    let rest = json.get(at..)?;
    if let Some(block) = rest.first_chunk() {
        return Some(bits_in(block, find));
    }
    if rest.is_empty() {
        return None;
    }
    if let Some(block) = json.last_chunk() {
        return Some(bits_in(block, find) >> (WIDTH - rest.len()));
    }
    let mut block = [b' '; WIDTH];
    block.get_mut(..rest.len())?.copy_from_slice(rest);
    Some(bits_in(&block, find))
}

#[inline]
fn bits_in(block: &[u8; WIDTH], find: impl Fn(u8x16) -> u8x16) -> u64 {
    let (sixteens, _) = block.as_chunks::<16>();
    let add = |bits, sixteen: &[u8; 16]| bits << 16 | u64::from(find(u8x16::new(*sixteen)).to_bitmask());
    sixteens.iter().rev().fold(0, add)
}

/// Finds what is not plain text.
#[inline(always)]
fn specials(bytes: u8x16) -> u8x16 {
    // Of a control character and the last one, the smaller is the former.
    let controls = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | controls
}

/// Finds the letters of escapes that consist of a backslash and one letter.
#[inline(always)]
fn letters(bytes: u8x16) -> u8x16 {
    LETTERS.iter().fold(u8x16::ZERO, |found, letter| found | bytes.simd_eq(u8x16::splat(*letter)))
}

/// These letters.
pub(super) const LETTERS: &[u8; 8] = b"\"\\/bfnrt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_at_every_place() {
        for byte in 0..=u8::MAX {
            let special = u64::from(byte < 0x20 || matches!(byte, b'"' | b'\\'));
            let letter = u64::from(LETTERS.contains(&byte));
            for place in 0..WIDTH {
                let mut block = [b'a'; WIDTH];
                block[place] = byte;
                assert_eq!(bits_in(&block, specials), special << place, "{byte:#x} at {place}");
                assert_eq!(bits_in(&block, letters), letter << place, "{byte:#x} at {place}");
            }
            assert_eq!(bits_in(&[byte; WIDTH], specials), special * u64::MAX, "{byte:#x} everywhere");
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
