//! What outlives every snapshot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Stop;
use crate::cache::Answers;
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

/// What outlives every snapshot.
#[derive(Debug)]
pub struct Services {
    /// The process's clock.
    pub clock: Clock,
    /// When what is still open must end.
    pub stop: Stop,
    /// The states of keys.
    pub ledger: Ledger,
    /// How many requests may try again at once.
    pub retries: RetryBudget,
    /// How many requests wait for a key.
    pub queue: Queue,
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
    /// What clients have used.
    pub accounts: Accounts,
    /// Addresses that have shown wrong keys.
    pub guard: Guard,
    /// Answers that are kept.
    pub answers: Answers,
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
            answers: Answers::of(&store),
            plugin_state: store.table("plugin", plugin::STATE),
            store,
            telemetry: Telemetry::start(),
            models: ListedModels::default(),
        }
    }

    /// Begins to remember on disk and in Redis, as the settings say; what was kept is back when this returns.
    pub async fn remember(&self, settings: &StoreSettings, environment: &Environment) {
        let holder =
            Arc::new(States { ledger: self.ledger.clone(), accounts: self.accounts.clone(), clock: self.clock });
        // What it refers to could be read when the settings were checked.
        let redis = settings.redis_url(environment).unwrap_or_default();
        self.store.begin(settings, redis, self.clock, holder).await;
    }
}

/// The ledger, as the store sees it.
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
        // What is not a client's is a key's.
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

    /// Keeps a list.
    pub fn keep(&self, pool: &str, models: Vec<Listed>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pool.to_owned(), (Instant::now(), models));
    }
}
