//! A table of values by key, each kept for a limited time: bounded in bytes, never a reason for a request to fail.
//!
//! Reading and writing what this process knows does not wait. [`Table::fetch`] may query the shared Redis; it is for
//! values that another replica may have received, such as the answer to a request it served. Where replicas share
//! state, changes are sent in the background, and small values reach all replicas without being fetched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use moka::Expiry;
use moka::ops::compute::Op;
use moka::sync::Cache;

use super::Store;
use super::redis::{Now, Op as Change, Redis, RowChange};

/// Limits of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// All values together, in bytes.
    pub bytes: u64,
    /// One value, in bytes. A larger one is not stored.
    pub largest: usize,
    /// How long a value is kept by default.
    pub kept: Duration,
    /// Number of values, if bytes alone do not limit it.
    pub most: Option<u64>,
}

/// The largest value that is shared with other replicas, in bytes.
const LARGEST_SHARED: usize = 1024 * 1024;

/// A table. Clones share it.
#[derive(Clone, Debug)]
pub struct Table {
    bounds: Bounds,
    rows: Rows,
    /// Its name among replicas, and the store that shares it.
    shared: Option<(&'static str, Store)>,
}

type Rows = Cache<Arc<str>, Row>;

#[derive(Clone, Debug)]
struct Row {
    value: Bytes,
    kept: Duration,
}

/// The lifetime of a row starts with its last change.
struct PerRow;

impl Expiry<Arc<str>, Row> for PerRow {
    fn expire_after_create(&self, _: &Arc<str>, row: &Row, _: std::time::Instant) -> Option<Duration> {
        Some(row.kept)
    }

    fn expire_after_update(
        &self,
        _: &Arc<str>,
        row: &Row,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(row.kept)
    }
}

impl Table {
    /// An empty table, local to this process.
    pub fn new(bounds: Bounds) -> Self {
        // If the number of values is limited, each weighs at least its share.
        let least = bounds.most.map_or(0, |most| usize::try_from(bounds.bytes / most.max(1)).unwrap_or(usize::MAX));
        let weigh = move |key: &Arc<str>, row: &Row| {
            u32::try_from((key.len() + row.value.len()).max(least)).unwrap_or(u32::MAX)
        };
        let rows = Cache::builder().max_capacity(bounds.bytes).weigher(weigh).expire_after(PerRow).build();
        Self { bounds, rows, shared: None }
    }

    /// An empty table that is shared with other replicas under this name.
    pub(super) fn shared(name: &'static str, bounds: Bounds, store: &Store) -> Self {
        let table = Self { shared: Some((name, store.clone())), ..Self::new(bounds) };
        store.tables().add(name, &table);
        table
    }

    fn redis(&self) -> Option<(&'static str, &Redis)> {
        let (name, store) = self.shared.as_ref()?;
        Some((name, store.redis()?))
    }

    /// Whether it is currently shared with other replicas.
    pub fn is_shared(&self) -> bool {
        self.redis().is_some()
    }

    fn change(&self, key: &str, change: impl FnOnce() -> Change, kept: Duration) {
        if let Some((name, redis)) = self.redis() {
            redis.change(name, key, change(), kept);
        }
    }

    /// The value of `key` that this process knows.
    pub fn get(&self, key: &str) -> Option<Bytes> {
        self.rows.get(key).map(|row| row.value)
    }

    /// The value of `key` that this process or the shared Redis knows.
    pub async fn fetch(&self, key: &str) -> Option<Bytes> {
        if let Some(known) = self.get(key) {
            return Some(known);
        }
        let (name, redis) = self.redis()?;
        let (value, kept) = redis.fetch(name, key).await?;
        self.rows.insert(key.into(), Row { value: value.clone(), kept });
        Some(value)
    }

    /// Stores a value for the default time of the table.
    pub fn put(&self, key: &str, value: Bytes) {
        self.put_for(key, value, self.bounds.kept);
    }

    /// Stores a value for this long.
    pub fn put_for(&self, key: &str, value: Bytes, kept: Duration) {
        if value.len() <= self.bounds.largest {
            self.rows.insert(key.into(), Row { value: value.clone(), kept });
            // A value so large that it would delay others stays in this process.
            if value.len() <= LARGEST_SHARED {
                self.change(key, || Change::Put(value), kept);
            }
        }
    }

    /// Adds to a number and returns the result. A value that is not a number counts as 0; its lifetime starts anew.
    pub fn add(&self, key: &str, by: i64, kept: Duration) -> i64 {
        let mut sum = by;
        self.rows.entry(key.into()).and_compute_with(|known| {
            let known = known.and_then(|row| number(&row.into_value().value));
            sum = known.unwrap_or_default().saturating_add(by);
            Op::Put(Row { value: sum.to_string().into(), kept })
        });
        self.change(key, || Change::Add(by), kept);
        sum
    }

    /// Number of values in this process, and their total size in bytes.
    pub fn size(&self) -> (u64, u64) {
        self.rows.run_pending_tasks();
        let bytes = self.rows.iter().map(|(key, row)| (key.len() + row.value.len()) as u64).sum();
        (self.rows.entry_count(), bytes)
    }

    /// Forgets all values in this process. Other replicas are not informed.
    pub fn clear(&self) {
        self.rows.invalidate_all();
        self.rows.run_pending_tasks();
    }

    /// Removes the value of `key`.
    pub fn remove(&self, key: &str) {
        self.rows.invalidate(key);
        self.change(key, || Change::Remove, Duration::ZERO);
    }
}

/// The tables that replicas share, by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tables(Arc<Mutex<HashMap<&'static str, Rows>>>);

impl Tables {
    fn add(&self, name: &'static str, table: &Table) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, table.rows.clone());
    }

    /// Applies a row change that another replica has published.
    pub fn heard(&self, heard: RowChange) {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(heard.table.as_str()).cloned();
        let Some(rows) = rows else { return };
        match heard.now {
            Now::Value(value) => rows.insert(heard.key.into(), Row { value, kept: heard.kept }),
            // It is fetched when it is needed.
            Now::Other | Now::Gone => rows.invalidate(heard.key.as_str()),
        }
    }
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const BOUNDS: Bounds = Bounds { bytes: 1024, largest: 32, kept: HOUR, most: None };

    #[test]
    fn what_is_put_is_there_until_it_is_removed() {
        let table = Table::new(BOUNDS);
        table.put("a", "one".into());
        table.put("a", "two".into());
        assert_eq!(table.get("a").as_deref(), Some(&b"two"[..]));
        table.remove("a");
        assert_eq!(table.get("a"), None);
    }

    #[test]
    fn numbers_add_up() {
        let table = Table::new(BOUNDS);
        table.put("text", "no number".into());
        assert_eq!([table.add("n", 2, HOUR), table.add("n", -5, HOUR), table.add("text", 1, HOUR)], [2, -3, 1]);
        assert_eq!(table.get("n").as_deref(), Some(&b"-3"[..]));
        table.put("n", i64::MAX.to_string().into());
        assert_eq!(table.add("n", 1, HOUR), i64::MAX);
    }

    #[test]
    fn there_are_no_more_than_may_be() {
        let table = Table::new(Bounds { most: Some(4), ..BOUNDS });
        (0..100).for_each(|number| table.put(&number.to_string(), "x".into()));
        let (rows, bytes) = table.size();
        assert!((1..=4).contains(&rows) && bytes <= 4 * 3, "{rows} {bytes}");
        table.clear();
        assert_eq!(table.size(), (0, 0));
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let table = Table::new(BOUNDS);
        table.put("a", vec![0; 33].into());
        assert_eq!(table.get("a"), None);
    }
}
