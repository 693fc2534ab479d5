//! What the reader hands to serde's visitors: the elements of an array, the members of an object, the name of a variant,
//! a raw value, an error.

use std::fmt::{self, Display};

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::read::Reader;

/// The name under which serde_json's `RawValue` asks for the text of a value, and the key under which it expects it.
/// This is serde_json's own protocol, whose other side this is; a test notices if it changes.
pub(super) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// The reader gave up. It does not say why, because serde_json will.
#[derive(Debug)]
pub(super) struct GaveUp;

impl Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not for this reader")
    }
}

impl std::error::Error for GaveUp {}

impl Error for GaveUp {
    #[cold]
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// What is inside of an array or an object.
pub(super) struct Inside<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl<'r, 'de> Inside<'r, 'de> {
    /// The inside of the array or object whose opening bracket the reader has passed.
    pub(super) fn of(reader: &'r mut Reader<'de>) -> Self {
        Self { reader, first: true }
    }
}

impl<'de> SeqAccess<'de> for Inside<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, GaveUp> {
        match self.reader.more(&mut self.first, b']')? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Inside<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, GaveUp> {
        if !self.reader.more(&mut self.first, b'}')? {
            return Ok(None);
        }
        if self.reader.peek() != b'"' {
            return self.reader.give_up();
        }
        seed.deserialize(Key(self.reader)).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GaveUp> {
        self.reader.colon()?;
        seed.deserialize(&mut *self.reader)
    }
}

/// The key of a member; the reader is at its opening quote. Keys that are read as numbers, truth values or raw values
/// are left to serde_json.
struct Key<'r, 'de>(&'r mut Reader<'de>);

/// Leaves types to serde_json.
macro_rules! rare {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, GaveUp> {
            self.give_up()
        })*
    };
}
pub(super) use rare;

impl Key<'_, '_> {
    fn give_up<T>(self) -> Result<T, GaveUp> {
        self.0.give_up()
    }
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.0.visit_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, GaveUp> {
        match name {
            RAW_VALUE => self.give_up(),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        visitor.visit_enum(Variant::of(self.0))
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }

    rare! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_bytes deserialize_byte_buf
    }
}

/// The variant of an enum without content: its name.
pub(super) struct Variant<'r, 'de>(&'r mut Reader<'de>);

impl<'r, 'de> Variant<'r, 'de> {
    /// The variant whose name the reader is at.
    pub(super) fn of(reader: &'r mut Reader<'de>) -> Self {
        Self(reader)
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = GaveUp;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), GaveUp> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = GaveUp;

    fn unit_variant(self) -> Result<(), GaveUp> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, GaveUp> {
        self.0.give_up()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, GaveUp> {
        self.0.give_up()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, GaveUp> {
        self.0.give_up()
    }
}

/// The text of a value, in the form in which serde_json's `RawValue` takes it: an object with one member.
pub(super) struct Raw<'de>(Option<&'de str>);

impl<'de> Raw<'de> {
    /// The answer with this text.
    pub(super) fn new(text: &'de str) -> Self {
        Self(Some(text))
    }
}

impl<'de> MapAccess<'de> for Raw<'de> {
    type Error = GaveUp;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, GaveUp> {
        match self.0 {
            Some(_) => seed.deserialize(BorrowedStrDeserializer::new(RAW_VALUE)).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GaveUp> {
        let text = self.0.take().ok_or(GaveUp)?;
        seed.deserialize(BorrowedStrDeserializer::new(text))
    }
}
