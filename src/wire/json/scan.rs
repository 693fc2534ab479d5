//! Finds where JSON tokens end. Checks the whole grammar and builds nothing: strings are left as they are written.
//!
//! Every function takes the document and a position in it, and returns None for what is not JSON.

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
fn any_string(json: &[u8], window: &mut Window, mut at: usize) -> Option<(usize, bool)> {
    let mut escapes = false;
    loop {
        let here = window.next(json, at)?;
        match json.get(here)? {
            b'"' => return Some((here + 1, escapes)),
            b'\\' => {
                escapes = true;
                at = escape(json, here + 1)?;
            }
            _ => return None,
        }
    }
}

/// Returns the end of an escape; `at` is behind its backslash.
#[inline]
fn escape(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = json.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        _ => None,
    }
}

/// Some bytes of the document, and which of them are not plain text in a string: quotes, backslashes and control
/// characters. It moves along with the reader, so that strings and escapes close to each other share one search.
pub(super) struct Window {
    start: usize,
    /// A bit for each byte, the first one lowest.
    found: u64,
}

/// How many bytes a [`Window`] covers.
const WIDTH: usize = 64;

impl Window {
    /// A window on nothing.
    pub(super) fn new() -> Self {
        // It ends where the document begins.
        Self { start: 0_usize.wrapping_sub(WIDTH), found: 0 }
    }

    /// Returns the position of the first byte from `at` on that is not plain text, if the window shows one.
    #[inline(always)]
    fn seen(&self, at: usize) -> Option<usize> {
        let offset = at.wrapping_sub(self.start);
        let rest = if offset < WIDTH { self.found >> offset } else { 0 };
        (rest != 0).then(|| at + rest.trailing_zeros() as usize)
    }

    /// Returns the same position, wherever it is. `at` must never go back.
    #[inline]
    fn next(&mut self, json: &[u8], mut at: usize) -> Option<usize> {
        loop {
            if let Some(here) = self.seen(at) {
                return Some(here);
            }
            if at.wrapping_sub(self.start) < WIDTH {
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

/// Returns a bit for each special byte. Two loops without branches, the first of which compiles to one vector
/// instruction for each comparison of 16 bytes. Inlined, they would not be vectorised.
#[inline(never)]
fn specials_in(block: &[u8; WIDTH]) -> u64 {
    let mut special = [0; WIDTH];
    for (special, byte) in special.iter_mut().zip(block) {
        *special = if (*byte == b'"') | (*byte == b'\\') | (*byte < 0x20) { 0xff } else { 0 };
    }
    let (eights, _) = special.as_chunks::<8>();
    let bits = eights.iter().map(|eight| bits(u64::from_le_bytes(*eight)));
    bits.enumerate().fold(0, |found, (index, bits)| found | bits << (8 * index))
}

/// Returns a bit for each of eight bytes, of which all must be 0 or 255.
#[inline(always)]
fn bits(bytes: u64) -> u64 {
    // Keeps one bit of each byte, a different one each, and adds up the bytes in the uppermost one.
    const ONE_OF_EACH: u64 = 0x8040_2010_0804_0201;
    const SUM: u64 = 0x0101_0101_0101_0101;
    (bytes & ONE_OF_EACH).wrapping_mul(SUM) >> 56
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
                    at = key(json, window, at)?;
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
                    at = key(json, window, space(json, at + 1))?;
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

/// Returns the position of the value that belongs to the key here.
#[inline]
fn key(json: &[u8], window: &mut Window, at: usize) -> Option<usize> {
    if json.get(at) != Some(&b'"') {
        return None;
    }
    let (end, _) = string(json, window, at + 1)?;
    colon(json, end)
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
