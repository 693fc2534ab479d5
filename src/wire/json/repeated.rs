//! Values that clients send again and again, such as the tools of an agent. To find the end of one that was read before
//! is to compare it, which is much faster than reading it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

/// How many texts are remembered. Each is compared, but another text differs early on.
const MOST: usize = 32;
/// The lengths of texts that are remembered, in bytes: short ones are read as fast as they are found.
const LENGTHS: std::ops::RangeInclusive<usize> = 1024..=128 * 1024;

/// The name under which [`Repeated`] asks our reader for its value. Other readers ignore it.
pub(super) const REPEATED: &str = "$gemini_adapter::Repeated";

/// The texts of repeated values that were read lately. Each is a whole array or object, so a document that goes on with
/// one of them has that value there, and it is known to be JSON.
static READ: Recent<()> = Recent::new();

/// A value that clients are expected to repeat from request to request.
#[derive(Clone, Copy, Debug)]
pub struct Repeated<'a>(pub &'a RawValue);

impl<'de: 'a, 'a> Deserialize<'de> for Repeated<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inner;

        impl<'de> Visitor<'de> for Inner {
            type Value = &'de RawValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                Deserialize::deserialize(deserializer)
            }
        }

        deserializer.deserialize_newtype_struct(REPEATED, Inner).map(Self)
    }
}

/// Returns the length of the value that `text` begins with, if it was read lately.
pub(super) fn known_length(text: &str) -> Option<usize> {
    READ.find(|known| begins(text, known), |known, ()| known.len())
}

/// Remembers a value that was read.
pub(super) fn remember(value: &str) {
    if value.starts_with(['[', '{']) {
        READ.add(value, ());
    }
}

/// Whether a text begins with another one. To compare them as slices calls the C library, and that of the image, musl,
/// goes byte by byte.
fn begins(text: &str, start: &str) -> bool {
    let text = text.as_bytes().get(..start.len());
    text.is_some_and(|text| dispatch!(Level::new(), simd => same(simd, text, start.as_bytes())))
}

/// Whether two texts of the same length are the same.
#[inline(always)]
fn same<S: Simd>(simd: S, one: &[u8], other: &[u8]) -> bool {
    let ((ones, one), (others, other)) = (one.as_chunks::<64>(), other.as_chunks::<64>());
    for (one, other) in ones.iter().zip(others) {
        if !u8x64::simd_from(simd, *one).simd_eq(u8x64::simd_from(simd, *other)).all_true() {
            return false;
        }
    }
    one == other
}

/// What became of the texts that were met lately, each of at least a kilobyte and at most 128: 4 MiB of texts at most.
#[derive(Debug)]
pub struct Recent<V>(RwLock<VecDeque<(Box<str>, V)>>);

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Recent<V> {
    /// No texts yet.
    pub const fn new() -> Self {
        Self(RwLock::new(VecDeque::new()))
    }

    /// Whether a text is neither too short nor too long to be remembered.
    pub fn takes(text: &str) -> bool {
        LENGTHS.contains(&text.len())
    }

    /// Remembers a text, and forgets the one that was added first if there are too many.
    pub fn add(&self, text: &str, value: V) {
        if !Self::takes(text) {
            return;
        }
        let text = text.into();
        let mut texts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        texts.retain(|(known, _)| *known != text);
        texts.push_front((text, value));
        texts.truncate(MOST);
    }

    fn find<R>(&self, wanted: impl Fn(&str) -> bool, found: impl FnOnce(&str, &V) -> R) -> Option<R> {
        let texts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        texts.iter().find(|(known, _)| wanted(known)).map(|(known, value)| found(known, value))
    }
}

impl<V: Clone> Recent<V> {
    /// Returns what became of a text.
    pub fn get(&self, text: &str) -> Option<V> {
        self.find(|known| known.len() == text.len() && begins(text, known), |_, value| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: usize) -> String {
        format!("[{number},\"{}\"]", "x".repeat(*LENGTHS.start()))
    }

    #[test]
    fn only_the_last_texts_are_remembered_each_once() {
        let recent = Recent::new();
        for number in 0..2 * MOST {
            recent.add(&text(number), number);
            recent.add(&text(number), number + 1);
            assert_eq!(recent.get(&text(number)), Some(number + 1), "the last value counts");
        }
        let known = (0..2 * MOST).filter(|number| recent.get(&text(*number)).is_some());
        assert_eq!(known.collect::<Vec<_>>(), (MOST..2 * MOST).collect::<Vec<_>>());
    }

    #[test]
    fn a_text_begins_with_what_is_the_same_to_its_last_byte() {
        for length in [0, 1, 63, 64, 65, 127, 128, 200] {
            let start = "x".repeat(length);
            assert!(begins(&format!("{start}y"), &start) && begins(&start, &start), "{length}");
            for place in 0..length {
                let other = format!("{}y{}", "x".repeat(place), "x".repeat(length - place - 1));
                assert!(!begins(&other, &start), "{length}, another byte at {place}");
                assert!(!begins(&start[..place], &start), "{place} of {length}");
            }
        }
    }

    #[test]
    fn neither_short_nor_long_texts_are_remembered() {
        let recent = Recent::new();
        for (length, remembered) in
            [(LENGTHS.start() - 1, false), (*LENGTHS.start(), true), (*LENGTHS.end(), true), (LENGTHS.end() + 1, false)]
        {
            let text = "x".repeat(length);
            recent.add(&text, ());
            assert_eq!((recent.get(&text).is_some(), Recent::<()>::takes(&text)), (remembered, remembered), "{length}");
        }
    }
}
