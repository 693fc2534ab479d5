//! What an earlier answer has left: the items of the conversation, that answer's own among them. A request goes on from all of
//! them (`previous_response_id`), or refers to some (`item_reference`).

use std::cell::OnceCell;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::response_id;
use crate::wire::json::Shape;

/// The items that an earlier answer has left.
pub struct Kept<'a> {
    /// In order.
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

/// What tells an item from others.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl<'a> Kept<'a> {
    /// What is in this document; None when it is not such a one.
    pub fn read(left: &'a [u8]) -> Option<Self> {
        let Left { input, response } = serde_json::from_slice(left).ok()?;
        Some(Self { items: input.into_iter().chain(response.output).collect(), by_id: OnceCell::new() })
    }

    /// The item of this id.
    pub fn find(&self, id: &str) -> Option<&'a RawValue> {
        let by_id = self.by_id.get_or_init(|| {
            let named = |raw: &&'a RawValue| Some((serde_json::from_str::<Named>(raw.get()).ok()?.id?, *raw));
            self.items.iter().filter_map(named).collect()
        });
        by_id.get(id).copied()
    }
}

/// The id of the item that this one stands for, if it only refers to one.
pub fn reference(item: &RawValue) -> Option<String> {
    let named: Named = serde_json::from_str(item.get()).ok()?;
    named.id.filter(|_| named.kind.as_deref() == Some("item_reference"))
}

/// The id of the answer whose items an input refers to. It is in the ids of its items; the last one counts, because that answer
/// holds the whole conversation up to there.
pub fn referred_to(input: Option<&RawValue>) -> Option<String> {
    let may = |raw: &&RawValue| {
        Shape::of(raw) == Shape::Array && memchr::memmem::find(raw.get().as_bytes(), b"item_reference").is_some()
    };
    let items: Vec<&RawValue> = serde_json::from_str(input.filter(may)?.get()).ok()?;
    let id = items.into_iter().rev().find_map(reference)?;
    let (_, rest) = id.split_once('_')?;
    // The last two digits number the items.
    let (answer, _) = rest.split_at_checked(rest.len().checked_sub(2)?)?;
    Some(response_id(answer))
}
