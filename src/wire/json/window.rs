//! Where a string of JSON needs attention: which bytes of a document are not plain text, 64 bytes at a time.

use wide::u8x16;

/// Some bytes of the document, and which of them are not plain text in a string: quotes, backslashes and control
/// characters. It moves along with the reader, so that strings and escapes close to each other share one search.
pub(super) struct Window {
    start: usize,
    /// A bit for each byte, the first one lowest.
    found: u64,
}

/// How many bytes a [`Window`] covers.
pub(super) const WIDTH: usize = 64;

impl Window {
    /// A window on nothing.
    pub(super) fn new() -> Self {
        // It ends where the document begins.
        Self { start: 0_usize.wrapping_sub(WIDTH), found: 0 }
    }

    /// Returns the position of the first byte from `at` on that is not plain text, if the window shows one.
    #[inline(always)]
    pub(super) fn seen(&self, at: usize) -> Option<usize> {
        let offset = at.wrapping_sub(self.start);
        let rest = if offset < WIDTH { self.found >> offset } else { 0 };
        (rest != 0).then(|| at + rest.trailing_zeros() as usize)
    }

    /// Moves to where there is at least one such byte from `at` on. Returns where the window begins then, and a bit for
    /// each such byte that is not before `at`. `at` must never go back.
    #[inline]
    pub(super) fn next(&mut self, json: &[u8], mut at: usize) -> Option<(usize, u64)> {
        loop {
            let offset = at.wrapping_sub(self.start);
            if offset < WIDTH {
                let rest = self.found & (u64::MAX << offset);
                if rest != 0 {
                    return Some((self.start, rest));
                }
                at = self.start + WIDTH;
            }
            self.found = specials(json, at)?;
            self.start = at;
        }
    }
}

/// Returns a bit for each special byte among those from `at` on. None at the end of the document.
fn specials(json: &[u8], at: usize) -> Option<u64> {
    let rest = json.get(at..)?;
    if let Some(block) = rest.first_chunk() {
        return Some(specials_in(block));
    }
    if rest.is_empty() {
        return None;
    }
    if let Some(block) = json.last_chunk() {
        return Some(specials_in(block) >> (WIDTH - rest.len()));
    }
    let mut block = [b' '; WIDTH];
    block.get_mut(..rest.len())?.copy_from_slice(rest);
    Some(specials_in(&block))
}

/// Returns a bit for each special byte.
#[inline]
fn specials_in(block: &[u8; WIDTH]) -> u64 {
    let (sixteens, _) = block.as_chunks::<16>();
    sixteens.iter().rev().fold(0, |found, sixteen| {
        let bytes = u8x16::new(*sixteen);
        // Of a control character and the last one, the smaller is the former.
        let controls = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        let special = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | controls;
        found << 16 | u64::from(special.to_bitmask())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specials_are_found_at_every_place() {
        for byte in 0..=u8::MAX {
            let special = u64::from(byte < 0x20 || matches!(byte, b'"' | b'\\'));
            for place in 0..WIDTH {
                let mut block = [b'a'; WIDTH];
                block[place] = byte;
                assert_eq!(specials_in(&block), special << place, "{byte:#x} at {place}");
            }
            assert_eq!(specials_in(&[byte; WIDTH]), special * u64::MAX, "{byte:#x} everywhere");
        }
    }
}
