//! Services that outlive every snapshot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Stop;
use crate::cache::AnswerCache;
use crate::clients::{Accounts, Guard};
use crate::clock::Clock;
use crate::environment::Environment;
use crate::keys::{Ledger, Queue, RetryBudget};
use crate::plugin;
use crate::store::{
    BreakerState, Conversations, Owners, Refusals, Signatures, StateOwner, Store, StoreSettings, Table, Used,
};
use crate::telemetry::Telemetry;
use crate::upstream::Listed;

/// Services that outlive every snapshot.
#[derive(Debug)]
pub struct Services {
    /// The process's clock.
    pub clock: Clock,
    /// Signals when open answers must end.
    pub stop: Stop,
    /// The state of keys.
    pub ledger: Ledger,
    /// Limits concurrent retries.
    pub retries: RetryBudget,
    /// Limits requests waiting for a key.
    pub queue: Queue,
    /// State that is also stored on disk and shared with replicas.
    pub store: Store,
    /// Thought signatures by call.
    pub signatures: Signatures,
    /// Fields that models were found to reject.
    pub refusals: Refusals,
    /// The owners of files and cached contents at Google.
    pub owners: Owners,
    /// What answers leave for later requests.
    pub conversations: Conversations,
    /// The clients' usage.
    pub accounts: Accounts,
    /// Addresses that have presented wrong keys.
    pub guard: Guard,
    /// The answer cache.
    pub answers: AnswerCache,
    /// The destination of logs, metrics and traces.
    pub telemetry: Telemetry,
    /// Google's models, as last listed.
    pub models: ListedModels,
    /// State that plugins have stored.
    pub plugin_state: Table,
}

impl Services {
    /// Creates empty services.
    pub fn start() -> Self {
        let store = Store::default();
        let ledger = Ledger::default();
        ledger.observe(Arc::new(store.clone()));
        Self {
            clock: Clock::start(),
            stop: Stop::default(),
            ledger,
            retries: RetryBudget::default(),
            queue: Queue::default(),
            signatures: Signatures::of(&store),
            refusals: Refusals::default(),
            owners: Owners::shared(&store),
            conversations: Conversations::of(&store),
            accounts: Accounts::of(&store),
            guard: Guard::default(),
            answers: AnswerCache::of(&store),
            plugin_state: store.table("plugin", plugin::STATE),
            store,
            telemetry: Telemetry::start(),
            models: ListedModels::default(),
        }
    }

    /// Starts persisting to disk and to Redis, according to the settings. Stored state has been loaded when this
    /// returns.
    pub async fn remember(&self, settings: &StoreSettings, environment: &Environment) {
        let holder =
            Arc::new(States { ledger: self.ledger.clone(), accounts: self.accounts.clone(), clock: self.clock });
        // The settings were checked already, so the URL can be resolved.
        let redis = settings.redis_url(environment).unwrap_or_default();
        self.store.begin(settings, redis, self.clock, holder).await;
    }
}

/// The ledger and the accounts, as the store sees them.
struct States {
    ledger: Ledger,
    accounts: Accounts,
    clock: Clock,
}

impl StateOwner for States {
    fn learn(&self, breaker_states: &[BreakerState]) {
        self.ledger.merge(breaker_states, self.clock.now());
    }

    fn recall(&self, used: &[Used]) {
        // Usage that belongs to no client belongs to a key.
        let keys: Vec<Used> = self.accounts.recall(used, self.clock.now()).into_iter().cloned().collect();
        self.ledger.recall(&keys);
    }

    fn breaker_states(&self) -> Vec<BreakerState> {
        self.ledger.breaker_states(self.clock.now())
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

    /// Stores a list.
    pub fn keep(&self, pool: &str, models: Vec<Listed>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pool.to_owned(), (Instant::now(), models));
    }
}
