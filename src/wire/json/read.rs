//! A reader for JSON text that is already in memory and nearly always valid.
//!
//! It reads what is common and gives up on the rest: on whatever is not JSON or not of the wanted type, but also on
//! rare things such as enums with content. [`read`](super::read()) leaves those to serde_json, and so reports its errors.
//! What this reader does accept, serde_json accepts with the same value.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Visitor};

use super::access::{GaveUp, Inside, RAW_VALUE, Raw, Variant, rare};
use super::number::{short_float, small};
use super::repeated::{self, REPEATED};
use super::window::Window;
use super::{decode, scan};

/// How deeply documents may be nested; serde_json's limit. It keeps the stack from overflowing.
const MAX_DEPTH: u8 = 127;

/// Reads `text`. None if it is wrong, or not for this reader.
pub(super) fn attempt<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    let mut reader = Reader { text, at: 0, window: Window::new(), depth: 0, gave_up: false, decoded: String::new() };
    let value = T::deserialize(&mut reader).ok()?;
    let at_end = scan::space(text.as_bytes(), reader.at) == text.len();
    (at_end && !reader.gave_up).then_some(value)
}

/// Reads one document. It is the deserializer.
pub(super) struct Reader<'de> {
    text: &'de str,
    /// The position of the next byte, which may be white space.
    at: usize,
    window: Window,
    depth: u8,
    /// Stays set: a type that goes on after an error does so from another position than with serde_json.
    gave_up: bool,
    /// The last string with escapes, decoded.
    decoded: String,
}

/// A string of the document.
enum Text<'de> {
    /// As it is written.
    Plain(&'de str),
    /// It had escapes, and is in [`Reader::decoded`].
    Decoded,
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn json(&self) -> &'de [u8] {
        self.text.as_bytes()
    }

    #[cold]
    pub(super) fn give_up<T>(&mut self) -> Result<T, GaveUp> {
        self.gave_up = true;
        Err(GaveUp)
    }

    /// Unwraps what the scanner found.
    #[inline]
    fn found<T>(&mut self, found: Option<T>) -> Result<T, GaveUp> {
        match found {
            Some(found) => Ok(found),
            None => self.give_up(),
        }
    }

    /// Moves to the next byte that is not white space, and returns it; 0 at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        self.at = scan::space(self.json(), self.at);
        self.json().get(self.at).copied().unwrap_or_default()
    }

    fn word(&mut self, word: &[u8]) -> Result<(), GaveUp> {
        self.at = self.found(scan::word(self.json(), self.at, word))?;
        Ok(())
    }

    /// Returns the end of the value that is here.
    #[inline]
    fn skip(&mut self) -> Result<usize, GaveUp> {
        let end = scan::value(self.json(), &mut self.window, self.at);
        self.found(end)
    }

    /// Reads a value as it is written.
    #[inline]
    fn raw(&mut self) -> Result<&'de str, GaveUp> {
        self.peek();
        let end = self.skip()?;
        let raw = self.found(self.text.get(self.at..end))?;
        self.at = end;
        Ok(raw)
    }

    /// Reads a value as it is written, which may have been read before.
    fn repeated(&mut self) -> Result<&'de str, GaveUp> {
        self.peek();
        let rest = self.found(self.text.get(self.at..))?;
        if let Some((known, _)) = repeated::known_length(rest).and_then(|length| rest.split_at_checked(length)) {
            self.at += known.len();
            return Ok(known);
        }
        let raw = self.raw()?;
        repeated::remember(raw);
        Ok(raw)
    }

    /// Reads the string whose opening quote is here.
    #[inline]
    fn string(&mut self) -> Result<Text<'de>, GaveUp> {
        let start = self.at + 1;
        let end = scan::string(self.json(), &mut self.window, start);
        let (end, escapes) = self.found(end)?;
        self.at = end;
        let content = self.found(self.text.get(start..end - 1))?;
        if !escapes {
            return Ok(Text::Plain(content));
        }
        self.decoded.clear();
        let decoded = decode::append(content, &mut self.decoded);
        self.found(decoded)?;
        Ok(Text::Decoded)
    }

    #[inline]
    pub(super) fn visit_string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.string()? {
            Text::Plain(text) => visitor.visit_borrowed_str(text),
            Text::Decoded => visitor.visit_str(&self.decoded),
        }
    }

    #[inline]
    fn visit_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, GaveUp> {
        let (end, whole) = self.found(scan::number(self.json(), self.at))?;
        let number = self.found(self.text.get(self.at..end))?;
        self.at = end;
        if whole {
            match number.strip_prefix('-') {
                None => {
                    if let Some(number) = small(number) {
                        return visitor.visit_u64(number);
                    }
                }
                // `-0` is a float.
                Some(digits) => {
                    if let Some(number @ 1..) = small(digits) {
                        return visitor.visit_i64(-number.cast_signed());
                    }
                }
            }
        }
        if let Some(number) = short_float(number) {
            return visitor.visit_f64(number);
        }
        // Of others serde_json decides whether they are floats, and how these are rounded.
        let number: Option<serde_json::Number> = serde_json::from_str(number).ok();
        let number = self.found(number)?;
        if let Some(number) = number.as_u64() {
            return visitor.visit_u64(number);
        }
        match number.as_i64() {
            Some(number) => visitor.visit_i64(number),
            None => visitor.visit_f64(number.as_f64().unwrap_or_default()),
        }
    }

    #[inline]
    fn visit_array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, GaveUp> {
        self.enter()?;
        let value = visitor.visit_seq(Inside::of(self));
        self.leave(value, b']')
    }

    #[inline]
    fn visit_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, GaveUp> {
        self.enter()?;
        let value = visitor.visit_map(Inside::of(self));
        self.leave(value, b'}')
    }

    #[inline]
    fn enter(&mut self) -> Result<(), GaveUp> {
        if self.depth == MAX_DEPTH {
            return self.give_up();
        }
        self.at += 1;
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn leave<T>(&mut self, value: Result<T, GaveUp>, close: u8) -> Result<T, GaveUp> {
        if value.is_err() || self.peek() != close {
            return self.give_up();
        }
        self.at += 1;
        self.depth -= 1;
        value
    }

    /// Moves to the value behind the colon.
    #[inline]
    pub(super) fn colon(&mut self) -> Result<(), GaveUp> {
        self.at = self.found(scan::colon(self.json(), self.at))?;
        Ok(())
    }

    /// Whether there is one more element or member before `close`. Moves to it, over the comma.
    #[inline]
    pub(super) fn more(&mut self, first: &mut bool, close: u8) -> Result<bool, GaveUp> {
        let byte = self.peek();
        if byte == close {
            return Ok(false);
        }
        if !std::mem::take(first) {
            if byte != b',' {
                return self.give_up();
            }
            self.at += 1;
            if self.peek() == close {
                return self.give_up();
            }
        }
        Ok(true)
    }
}

/// Deserializes numbers, all of which are read alike: the type that is asked for converts.
macro_rules! numbers {
    ($($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
            match self.peek() {
                b'-' | b'0'..=b'9' => self.visit_number(visitor),
                _ => self.give_up(),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = GaveUp;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.peek() {
            b'"' => self.visit_string(visitor),
            b'{' => self.visit_object(visitor),
            b'[' => self.visit_array(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.visit_number(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        let truth = self.peek() == b't';
        self.word(if truth { b"true" } else { b"false" })?;
        visitor.visit_bool(truth)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.peek();
        self.word(b"null")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, GaveUp> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        if self.peek() == b'n' {
            self.word(b"null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.peek() {
            b'"' => self.visit_string(visitor),
            _ => self.give_up(),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, GaveUp> {
        match name {
            RAW_VALUE => visitor.visit_map(Raw::new(self.raw()?)),
            REPEATED => visitor.visit_newtype_struct(MapAccessDeserializer::new(Raw::new(self.repeated()?))),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.peek() {
            b'[' => self.visit_array(visitor),
            _ => self.give_up(),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, GaveUp> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        self.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.peek() {
            b'{' => self.visit_object(visitor),
            _ => self.give_up(),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        match self.peek() {
            b'"' => visitor.visit_enum(Variant::of(self)),
            _ => self.give_up(),
        }
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.peek();
        self.at = self.skip()?;
        visitor.visit_unit()
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f64
    }

    rare! { deserialize_f32 deserialize_i128 deserialize_u128 deserialize_bytes deserialize_byte_buf }
}
