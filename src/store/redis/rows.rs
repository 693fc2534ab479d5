//! Rows of tables in Redis: how a change is published and received.
//!
//! All nodes receive all changes of a row in Redis's order, including their own. While a node's own change is in
//! flight, anything it receives about that row is older than what it knows, and is ignored.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Script, ScriptInvocation};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Names;
use super::breakers::millis;

/// The largest value that is published to all nodes; larger ones are fetched on demand.
const TOLD: usize = 1024;

static ROW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("row.lua")));

/// A change to a row.
#[derive(Clone, Debug)]
pub struct Change {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub key: String,
    /// The operation.
    pub op: Op,
    /// How long the row is kept from now on.
    pub kept: Duration,
    /// Sequence number of the change on this node.
    pub number: u64,
}

/// An operation on a row.
#[derive(Clone, Debug)]
pub enum Op {
    /// Sets a value.
    Put(Bytes),
    /// Adds to a number.
    Add(i64),
    /// Removes the row.
    Remove,
}

/// What is published before the value.
#[derive(Debug, Deserialize, Serialize)]
struct Head<'a> {
    node: &'a str,
    number: u64,
    table: &'a str,
    key: String,
    kept_ms: u64,
    removed: bool,
}

/// A change to a row that was received.
#[derive(Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// The row.
    pub key: String,
    /// How long the row is kept.
    pub kept: Duration,
    /// What the row is now.
    pub now: Now,
}

/// What a row is now.
#[derive(Debug, PartialEq, Eq)]
pub enum Now {
    /// This value.
    Value(Bytes),
    /// A new value that is too large to be published.
    Other,
    /// None: it was removed.
    Gone,
}

/// Publishes a change.
pub fn publish<'a>(names: &Names, change: &Change) -> ScriptInvocation<'a> {
    let head = Head {
        node: &names.node,
        number: change.number,
        table: change.table,
        key: change.key.clone(),
        kept_ms: millis(change.kept),
        removed: matches!(change.op, Op::Remove),
    };
    let mut call = ROW.prepare_invoke();
    call.key(names.row(change.table, &change.key));
    match &change.op {
        Op::Put(value) => call.arg("put").arg(&value[..]),
        Op::Add(by) => call.arg("add").arg(*by),
        Op::Remove => call.arg("remove").arg(""),
    };
    // At least a millisecond: Redis rejects less.
    call.arg(millis(change.kept).max(1)).arg(names.of("rows"));
    call.arg(serde_json::to_string(&head).unwrap_or_default()).arg(TOLD);
    call
}

/// Changes of this node that it has not received back yet: the number of the last one of each row.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<HashMap<(String, String), u64>>);

impl UnderWay {
    /// Records that a change is in flight.
    pub fn begins(&self, change: &Change) {
        self.rows().insert((change.table.to_owned(), change.key.clone()), change.number);
    }

    /// Records that a change did not arrive. Returns whether it was the last one of its row.
    pub fn failed(&self, change: &Change) -> bool {
        let row = (change.table.to_owned(), change.key.clone());
        let mut rows = self.rows();
        let last = rows.get(&row) == Some(&change.number);
        if last {
            rows.remove(&row);
        }
        last
    }

    /// Forgets all changes in flight: this node will not receive them back.
    pub fn forget(&self) {
        self.rows().clear();
    }

    /// Reads a published change. Returns None if this node knows something newer, or if the message is invalid.
    pub fn heard(&self, names: &Names, told: &[u8]) -> Option<RowChange> {
        let (head, value) = match memchr::memchr(b'\n', told) {
            Some(end) => (told.get(..end)?, told.get(end + 1..)),
            None => (told, None),
        };
        let head: Head<'_> = serde_json::from_slice(head).ok()?;
        let ours = head.node == names.node;
        let row = (head.table.to_owned(), head.key.clone());
        let mut rows = self.rows();
        if let Some(last) = rows.get(&row) {
            if !ours || *last != head.number {
                return None;
            }
            rows.remove(&row);
        }
        let now = match value {
            _ if head.removed => Now::Gone,
            Some(value) => Now::Value(Bytes::copy_from_slice(value)),
            // A node already has its own large value.
            None if ours => return None,
            None => Now::Other,
        };
        Some(RowChange { table: row.0, key: row.1, kept: Duration::from_millis(head.kept_ms), now })
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(node: &str, number: u64, value: Option<&str>) -> Vec<u8> {
        let head = Head { node, number, table: "t", key: "k".into(), kept_ms: 1000, removed: false };
        let mut told = serde_json::to_vec(&head).unwrap();
        told.extend(value.iter().flat_map(|value| [b"\n", value.as_bytes()].concat()));
        told
    }

    #[test]
    fn what_is_older_than_the_own_change_is_passed_over() {
        let names = Names { prefix: "p".into(), node: "me".into() };
        let under_way = UnderWay::default();
        let value = |heard: Option<RowChange>| heard.map(|heard| heard.now);
        let theirs = told("you", 9, Some("1\n2"));
        assert_eq!(value(under_way.heard(&names, &theirs)), Some(Now::Value("1\n2".into())));
        let change = |number| Change { table: "t", key: "k".into(), op: Op::Remove, kept: Duration::ZERO, number };
        under_way.begins(&change(1));
        under_way.begins(&change(2));
        assert_eq!(under_way.heard(&names, &theirs), None);
        assert_eq!(under_way.heard(&names, &told("me", 1, Some("a"))), None);
        assert_eq!(value(under_way.heard(&names, &told("me", 2, Some("b")))), Some(Now::Value("b".into())));
        assert_eq!(value(under_way.heard(&names, &told("you", 10, None))), Some(Now::Other));
        under_way.begins(&change(3));
        under_way.failed(&change(3));
        assert!(under_way.heard(&names, &theirs).is_some());
        assert_eq!(under_way.heard(&names, b"nonsense"), None);
    }
}
