//! What is remembered: in this process's memory, bounded in bytes and in time; and on disk, for after a restart.
//! Never: a reason for a request to fail, a key's text.

mod disk;
mod refusals;
mod settings;
mod signatures;
mod standing;
mod table;
mod usage;

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use disk::{Disk, Keeping};
use usage::{Usage, UsageStatus};

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
}

/// How the memory is, for `/stats` and `/metrics`.
#[derive(Debug, Serialize)]
pub struct StoreStatus {
    /// The file, if there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<disk::State>,
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

    /// Writes down what is left to write. Blocks on files.
    pub fn end(&self) {
        if let Some(disk) = self.0.disk.get() {
            disk.stop();
        }
    }

    /// How it is.
    pub fn status(&self) -> StoreStatus {
        StoreStatus { disk: self.0.disk.get().map(Disk::state) }
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
    }

    fn used(&self, used: &Used) {
        self.0.usage.add(used);
        if let Some(disk) = self.0.disk.get() {
            disk.used();
        }
    }
}
