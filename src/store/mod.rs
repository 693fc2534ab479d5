//! What is remembered: in this process's memory, bounded in bytes and in time; on disk, to survive a restart; and in a
//! Redis that replicas share.
//! Never: a reason for a request to fail, a key's text.

mod claim;
mod conversations;
mod disk;
mod key_state;
mod owners;
mod redis;
mod refusals;
mod settings;
mod signatures;
mod table;
mod usage;

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::clock::Clock;
use crate::secret::Secret;
use disk::{Disk, DiskConfig};
use redis::Redis;
pub use redis::is_there as redis_is_there;
use table::Tables;
use usage::{Usage, UsageStatus};

pub use claim::{Claim, Claimed, DayClaim, Held};
pub use conversations::Conversations;
pub use key_state::{BreakerState, CLIENT, Observer, Scope, StateOwner, Used};
pub use owners::{CACHES_KEPT, FILES_KEPT, Owner, Owners, UPLOADS_KEPT};
pub use refusals::Refusals;
pub use settings::StoreSettings;
pub use signatures::Signatures;
pub use table::{Bounds, Table};

/// The store. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Store(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    usage: Arc<Usage>,
    disk: OnceLock<Disk>,
    redis: OnceLock<Redis>,
    tables: Tables,
}

/// The state of the store, for `/stats` and `/metrics`.
#[derive(Debug, Serialize)]
pub struct StoreStatus {
    /// The file, if one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<disk::State>,
    /// The Redis that replicas share, if one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<redis::State>,
}

impl Store {
    /// Starts to store and share as configured. When this returns, what was stored on disk is restored. Called once per
    /// process.
    pub async fn begin(
        &self,
        settings: &StoreSettings,
        redis: Option<Secret>,
        clock: Clock,
        holder: Arc<dyn StateOwner>,
    ) {
        if !settings.dir.as_os_str().is_empty() {
            let keeping = DiskConfig {
                dir: settings.dir.clone(),
                keep_days: settings.keep_days,
                usage: self.0.usage.clone(),
                holder: holder.clone(),
            };
            self.0.disk.get_or_init(|| Disk::start(keeping));
        }
        let Some(url) = redis else { return };
        let pupil = Arc::new(Pupil { store: self.clone(), holder });
        if let Some(redis) =
            Redis::start(&url, settings, clock, pupil, self.0.tables.clone(), &self.0.usage.rows()).await
        {
            // This function is called once per process.
            let _ = self.0.redis.set(redis);
        }
    }

    /// Asks the other replicas to agree to a claim. Without other replicas, or without their answer in time, this one
    /// decides.
    pub async fn claim(&self, claim: &Claim) -> Claimed {
        match self.redis() {
            Some(redis) => redis.claim(claim, self).await,
            None => Claimed::Granted(None),
        }
    }

    /// Sends what is left to send, and writes what is left to write. Blocks on file access.
    pub async fn end(&self) {
        if let Some(redis) = self.redis() {
            redis.end().await;
        }
        if let Some(disk) = self.0.disk.get() {
            disk.stop();
        }
    }

    /// The state of the store.
    pub fn status(&self) -> StoreStatus {
        StoreStatus { disk: self.0.disk.get().map(Disk::state), redis: self.0.redis.get().map(Redis::state) }
    }

    /// A table that is shared with other replicas under this name, if they share anything.
    pub fn table(&self, name: &'static str, bounds: Bounds) -> Table {
        Table::shared(name, bounds, self)
    }

    fn tables(&self) -> &Tables {
        &self.0.tables
    }

    fn redis(&self) -> Option<&Redis> {
        self.0.redis.get()
    }

    /// All recorded usage of keys, by day, key and model.
    pub fn used(&self) -> Vec<Used> {
        self.0.usage.rows().into_iter().filter(|used| !used.is_clients()).collect()
    }

    /// Usage of keys, as `/stats` shows it.
    pub fn usage(&self) -> UsageStatus {
        self.0.usage.status()
    }
}

/// Passes what other replicas report to the owner of the breakers, and to the disk.
struct Pupil {
    store: Store,
    holder: Arc<dyn StateOwner>,
}

impl StateOwner for Pupil {
    fn learn(&self, breaker_states: &[BreakerState]) {
        self.holder.learn(breaker_states);
        if let Some(disk) = self.store.0.disk.get() {
            breaker_states.iter().for_each(|state| disk.breaker_changed(state));
        }
    }

    fn recall(&self, used: &[Used]) {
        self.holder.recall(used);
    }

    fn breaker_states(&self) -> Vec<BreakerState> {
        self.holder.breaker_states()
    }
}

impl Observer for Store {
    fn breaker_changed(&self, state: &BreakerState) {
        if let Some(disk) = self.0.disk.get() {
            disk.breaker_changed(state);
        }
        if let Some(redis) = self.redis() {
            redis.breaker_changed(state);
        }
    }

    fn used(&self, used: &Used) {
        self.0.usage.add(used);
        if let Some(disk) = self.0.disk.get() {
            disk.used();
        }
        if let Some(redis) = self.redis() {
            redis.used(used);
        }
    }
}
