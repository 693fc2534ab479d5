//! What is remembered: in this process's memory, bounded in bytes and in time; on disk, for after a restart; and in Redis, where
//! replicas share it.
//! Never: a reason for a request to fail or to wait, a key's text.

mod conversations;
mod disk;
mod owners;
mod redis;
mod refusals;
mod settings;
mod signatures;
mod standing;
mod table;
mod usage;

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::secret::Secret;

use disk::{Disk, Keeping};
use redis::RedisStatus;
use usage::{Usage, UsageStatus};

pub use conversations::Conversations;
pub use owners::{CACHES_KEPT, FILES_KEPT, Owner, Owners, UPLOADS_KEPT};
pub use redis::Redis;
pub use refusals::Refusals;
pub use settings::StoreSettings;
pub use signatures::Signatures;
pub use standing::{Holder, Scope, Standing, Used, Witness};
pub use table::{Bounds, Table};

/// The memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Store(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    usage: Arc<Usage>,
    disk: OnceLock<Disk>,
    redis: OnceLock<Redis>,
}

/// How the memory is, for `/stats` and `/metrics`.
#[derive(Debug, Serialize)]
pub struct StoreStatus {
    /// The file, if there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<disk::State>,
    /// Redis, if there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisStatus>,
}

impl Store {
    /// Begins to remember elsewhere, as the settings say: what was kept on disk is back when this returns. Once a process.
    pub fn begin(&self, settings: &StoreSettings, holder: Arc<dyn Holder>) {
        if !settings.dir.as_os_str().is_empty() {
            let keeping = Keeping {
                dir: settings.dir.clone(),
                keep_days: settings.keep_days,
                usage: self.0.usage.clone(),
                holder,
            };
            self.0.disk.get_or_init(|| Disk::start(keeping));
        }
    }

    /// Begins to share with other replicas, through the server at this address; after [`begin`](Self::begin), once a process, and where
    /// tasks can be spawned.
    pub fn share(&self, url: &Secret, holder: Arc<dyn Holder>) {
        match Redis::start(url, holder, &self.0.usage.rows()) {
            Ok(redis) => drop(self.0.redis.set(redis)),
            // It was checked with the configuration.
            Err(why) => tracing::error!(why, "nothing is shared"),
        }
    }

    /// Tells other replicas what they were not told yet, if the server is there.
    pub async fn leave(&self) {
        if let Some(redis) = self.0.redis.get() {
            redis.close().await;
        }
    }

    /// Writes down what is left to write. Blocks on files.
    pub fn end(&self) {
        if let Some(disk) = self.0.disk.get() {
            disk.stop();
        }
    }

    /// How it is.
    pub fn status(&self) -> StoreStatus {
        StoreStatus { disk: self.0.disk.get().map(Disk::state), redis: self.0.redis.get().map(Redis::status) }
    }

    /// What keys have used.
    pub fn usage(&self) -> UsageStatus {
        self.0.usage.status()
    }
}

impl Witness for Store {
    fn stands(&self, standing: &Standing) {
        if let Some(disk) = self.0.disk.get() {
            disk.stands(standing);
        }
        if let Some(redis) = self.0.redis.get() {
            redis.stands(standing);
        }
    }

    fn used(&self, used: &Used) {
        self.0.usage.add(used);
        if let Some(disk) = self.0.disk.get() {
            disk.used();
        }
        if let Some(redis) = self.0.redis.get() {
            redis.used(used);
        }
    }
}
