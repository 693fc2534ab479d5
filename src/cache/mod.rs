//! The answer cache: repeats cached answers to equal requests of the same client, and makes a single call for equal
//! requests that arrive together.
//!
//! What is cached is Gemini's own answer, before plugins and translation: so this module knows no protocol, and a
//! cached answer is processed like a live one. Cache entries are rows of a table of the store: bounded in bytes, and
//! shared where replicas share state.
//! Never: a protocol's field, an answer of another client, a reason for a request to fail.

mod cacheable;
mod control;
mod entry;
mod flight;
mod key;
mod recording;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;

use crate::call::Method;
use crate::store::{Bounds, Store, Table};

pub use control::Control;
pub use entry::Entry;
use flight::{End, Flights, Place};
pub use key::{Key, KeyParts};
pub use recording::Recording;
pub use settings::{CacheSettings, Cacheable};

/// Bounds of the era, which changes when all answers are to be forgotten, here and at other replicas. It is kept for as
/// long as any answer could be cached.
const ERA: Bounds = Bounds { bytes: 64 * 1024, largest: 64, kept: Duration::from_secs(31 * 24 * 3600), most: None };
/// How many flights of others may fail before a request makes its own call.
const PATIENCE: usize = 2;

/// The answer cache.
#[derive(Debug)]
pub struct AnswerCache {
    store: Store,
    storage: ArcSwapOption<Storage>,
    flights: Flights,
    eras: Table,
    asked_for_era: AtomicBool,
}

/// Where answers are cached, while the cache is enabled.
#[derive(Debug)]
struct Storage {
    settings: CacheSettings,
    table: Table,
}

/// What the cache has for a request.
#[derive(Debug)]
pub enum Found {
    /// A cached answer.
    Entry(Entry),
    /// The answer to an equal request that was in flight.
    Joined(Entry),
    /// A miss: the answer is to be requested, and recorded for the cache.
    Missing(Recording),
    /// A miss, and the request wants only a cached answer.
    Nothing,
    /// The cache is disabled.
    Off,
}

/// The state of the cache, for `/stats`.
#[derive(Debug, Default, Serialize)]
pub struct CacheStatus {
    /// Whether the cache is enabled.
    pub enabled: bool,
    /// Number of cache entries.
    pub entries: u64,
    /// Size of all entries together, in bytes.
    pub bytes: u64,
    /// Calls in flight whose answers are to be cached.
    pub under_way: usize,
}

impl AnswerCache {
    /// An empty cache, disabled until the [settings](Self::apply) enable it.
    pub fn of(store: &Store) -> Self {
        Self {
            store: store.clone(),
            storage: ArcSwapOption::empty(),
            flights: Flights::default(),
            eras: store.table("cache-era", ERA),
            asked_for_era: AtomicBool::new(false),
        }
    }

    /// Applies new settings. Existing entries are kept, unless the bounds change.
    pub fn apply(&self, settings: &CacheSettings) {
        let before = self.storage.load_full();
        let same = |storage: &Arc<Storage>| settings.enabled && bounds(&storage.settings) == bounds(settings);
        let table = match before.as_ref().filter(|storage| same(storage)) {
            Some(storage) => storage.table.clone(),
            None => {
                if let Some(storage) = before {
                    storage.table.clear();
                }
                if !settings.enabled {
                    return self.storage.store(None);
                }
                self.store.table("answer", bounds(settings))
            }
        };
        self.storage.store(Some(Arc::new(Storage { settings: settings.clone(), table })));
    }

    /// Forgets all answers, at other replicas too.
    pub fn clear(&self) {
        self.eras.put("now", format!("{:016x}", fastrand::u64(..)).into());
        if let Some(storage) = &*self.storage.load() {
            storage.table.clear();
        }
    }

    /// Changes when all answers are to be forgotten; part of every [question](Question).
    pub async fn era(&self) -> Bytes {
        // A process that starts later than the others fetches it once; after that, changes are published to it.
        let first = !self.asked_for_era.swap(true, Ordering::Relaxed);
        let era = if first { self.eras.fetch("now").await } else { self.eras.get("now") };
        era.unwrap_or_default()
    }

    /// Whether the answer to this call may be cached at all.
    pub fn may_keep(&self, method: Method, body: &[u8]) -> bool {
        self.storage.load().as_ref().is_some_and(|storage| cacheable::may_keep(&storage.settings, method, body))
    }

    /// Looks up the answer to a question, or waits for that to an equal request.
    pub async fn find(&self, key: Key, method: Method, control: Control, now: Timestamp) -> Found {
        let Some(storage) = self.storage.load_full() else { return Found::Off };
        let alone = |storage: Arc<Storage>| Found::Missing(Recording::new(key, None, storage, method));
        let fits = |row: Bytes| {
            let young = |kept: &Entry| control.oldest.is_none_or(|oldest| kept.age(now) <= oldest);
            Entry::read(row).filter(young)
        };
        let name = key.to_string();
        if !control.fresh
            && let Some(kept) = storage.table.fetch(&name).await.and_then(fits)
        {
            return Found::Entry(kept);
        }
        if control.only_cached {
            return Found::Nothing;
        }
        // A request for a fresh answer is not served by another request's call.
        if control.fresh || storage.settings.wait.is_zero() {
            return alone(storage);
        }
        let mut failures = 0;
        loop {
            let waiting = match self.flights.join(key, || storage.table.get(&name).and_then(fits)) {
                Err(kept) => return Found::Entry(kept),
                Ok(Place::First(flight)) => return Found::Missing(Recording::new(key, Some(flight), storage, method)),
                Ok(Place::Waiting(waiting)) => waiting,
            };
            match timeout(storage.settings.wait, waiting.end()).await {
                Ok(End::Landed(kept)) => return Found::Joined((*kept).clone()),
                Ok(End::Vanished) => {}
                Ok(End::Failed) if failures + 1 < PATIENCE => failures += 1,
                _ => return alone(storage),
            }
        }
    }

    /// Removes an entry that turned out to be invalid.
    pub fn forget(&self, key: Key) {
        if let Some(storage) = &*self.storage.load() {
            storage.table.remove(&key.to_string());
        }
    }

    /// The state of the cache.
    pub fn status(&self) -> CacheStatus {
        let Some(storage) = self.storage.load_full() else { return CacheStatus::default() };
        let (entries, bytes) = storage.table.size();
        CacheStatus { enabled: true, entries, bytes, under_way: self.flights.count() }
    }
}

fn bounds(settings: &CacheSettings) -> Bounds {
    // A row is slightly larger than Gemini's answer.
    let largest = settings.max_entry.saturating_add(settings.max_entry / 4);
    Bounds { bytes: settings.max_bytes, largest, kept: settings.ttl, most: settings.max_entries }
}
