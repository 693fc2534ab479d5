//! What outlives every snapshot.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::clock::Clock;
use crate::keys::Ledger;
use crate::plugin;
use crate::store::{Conversations, Owners, Refusals, Signatures, Table};
use crate::telemetry::Telemetry;
use crate::upstream::Listed;

/// What outlives every snapshot.
#[derive(Debug)]
pub struct Services {
    /// The process's clock.
    pub clock: Clock,
    /// The states of keys.
    pub ledger: Ledger,
    /// Thought signatures by call.
    pub signatures: Signatures,
    /// What models were found to refuse.
    pub refusals: Refusals,
    /// Whose files and cached contents at Google are.
    pub owners: Owners,
    /// What answers leave for later requests.
    pub conversations: Conversations,
    /// Where events go.
    pub telemetry: Telemetry,
    /// Google's models, as last listed.
    pub models: ListedModels,
    /// What plugins remember.
    pub plugin_state: Table,
}

impl Services {
    /// New ones, with nothing in them.
    pub fn start() -> Self {
        Self {
            clock: Clock::start(),
            ledger: Ledger::default(),
            signatures: Signatures::default(),
            refusals: Refusals::default(),
            owners: Owners::default(),
            conversations: Conversations::default(),
            telemetry: Telemetry::start(),
            models: ListedModels::default(),
            plugin_state: Table::new(plugin::STATE),
        }
    }
}

/// Google's models, as last listed for each pool.
#[derive(Debug, Default)]
pub struct ListedModels(Mutex<HashMap<String, (Instant, Vec<Listed>)>>);

impl ListedModels {
    /// The last list for a pool, and when it was made.
    pub fn get(&self, pool: &str) -> Option<(Instant, Vec<Listed>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(pool).cloned()
    }

    /// Keeps a list.
    pub fn keep(&self, pool: &str, models: Vec<Listed>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pool.to_owned(), (Instant::now(), models));
    }
}
