//! What outlives every snapshot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::clock::Clock;
use crate::config::Config;
use crate::keys::{Ledger, RetryBudget};
use crate::plugin;
use crate::problem::Problems;
use crate::store::{Conversations, Holder, Owners, Refusals, Signatures, Standing, Store, Table, Used};
use crate::telemetry::Telemetry;
use crate::upstream::Listed;

/// What outlives every snapshot.
#[derive(Debug)]
pub struct Services {
    /// The process's clock.
    pub clock: Clock,
    /// The states of keys.
    pub ledger: Ledger,
    /// How many requests may try again at once.
    pub retries: RetryBudget,
    /// What is remembered elsewhere too.
    pub store: Store,
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
        let store = Store::default();
        let ledger = Ledger::default();
        ledger.tell(Arc::new(store.clone()));
        Self {
            clock: Clock::start(),
            ledger,
            store,
            retries: RetryBudget::default(),
            signatures: Signatures::default(),
            refusals: Refusals::default(),
            owners: Owners::default(),
            conversations: Conversations::default(),
            telemetry: Telemetry::start(),
            models: ListedModels::default(),
            plugin_state: Table::new(plugin::STATE),
        }
    }

    /// Begins to remember on disk and to share with other replicas, as the settings say; what was kept on disk is back when this
    /// returns.
    pub fn remember(&self, config: &Config) {
        let settings = &config.settings.store;
        let holder = Arc::new(States { ledger: self.ledger.clone(), clock: self.clock });
        self.store.begin(settings, holder.clone());
        // What is wrong with the address was said when the configuration was checked.
        if let Some(url) = settings.shared(&config.environment, &mut Problems::new()) {
            self.store.share(&url, holder);
        }
    }
}

/// The ledger, as the store sees it.
struct States {
    ledger: Ledger,
    clock: Clock,
}

impl Holder for States {
    fn learn(&self, standings: &[Standing]) {
        self.ledger.merge(standings, self.clock.now());
    }

    fn recall(&self, used: &[Used]) {
        self.ledger.recall(used);
    }

    fn standings(&self) -> Vec<Standing> {
        self.ledger.standings(self.clock.now())
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
