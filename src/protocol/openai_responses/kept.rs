//! The items that an earlier answer has left: the conversation, including that answer. A request continues from all of
//! them (`previous_response_id`), or references some (`item_reference`).

use std::cell::OnceCell;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::response_of_item;
use crate::wire::json::{self, Shape};

/// The items that an earlier answer has left.
pub struct Kept<'a> {
    /// The items, in order.
    pub items: Vec<&'a RawValue>,
    by_id: OnceCell<HashMap<String, &'a RawValue>>,
}

#[derive(Deserialize)]
struct Left<'a> {
    #[serde(borrow)]
    input: Vec<&'a RawValue>,
    #[serde(borrow)]
    response: Answer<'a>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    output: Vec<&'a RawValue>,
}

/// The members that identify an item.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl<'a> Kept<'a> {
    /// Reads the items from this document; returns None when the document is something else.
    pub fn read(left: &'a [u8]) -> Option<Self> {
        let Left { input, response } = json::read_slice(left).ok()?;
        Some(Self { items: input.into_iter().chain(response.output).collect(), by_id: OnceCell::new() })
    }

    /// Returns the item with this id.
    pub fn find(&self, id: &str) -> Option<&'a RawValue> {
        let by_id = self.by_id.get_or_init(|| {
            let named = |raw: &&'a RawValue| Some((json::read::<Named>(raw.get()).ok()?.id?, *raw));
            self.items.iter().filter_map(named).collect()
        });
        by_id.get(id).copied()
    }
}

/// Returns the id of the item that this one refers to, if it is a reference.
pub fn reference(item: &RawValue) -> Option<String> {
    let named: Named = json::read(item.get()).ok()?;
    named.id.filter(|_| named.kind.as_deref() == Some("item_reference"))
}

/// Returns the id of the answer whose items an input references. It is contained in the ids of the answer's items. The
/// last reference counts, because its answer holds the whole conversation up to there.
pub fn referred_to(input: Option<&RawValue>) -> Option<String> {
    let may = |raw: &&RawValue| {
        Shape::of(raw) == Shape::Array && memchr::memmem::find(raw.get().as_bytes(), b"item_reference").is_some()
    };
    let items: Vec<&RawValue> = json::read(input.filter(may)?.get()).ok()?;
    response_of_item(&items.into_iter().rev().find_map(reference)?)
}
