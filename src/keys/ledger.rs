//! State that outlives a configuration: the books of [`super::core`] behind one lock, and the observers that store or
//! replicate their changes. State is looked up by key identity, so a reload never puts an exhausted key back to work.

use std::fmt;
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::core::{Books, Event};
use super::key::Key;
use crate::clock::Moment;
use crate::model::ModelName;
use crate::store::{BreakerState, Observer, Used};
use crate::sync::{Mutex, MutexGuard};

/// The shared key state. Clones refer to the same state.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Shared>);

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    news: Notify,
}

/// The data protected by the lock.
#[derive(Default)]
pub(super) struct Inner {
    pub books: Books,
    pub chance: fastrand::Rng,
    observers: Vec<Arc<dyn Observer>>,
}

impl Ledger {
    /// A ledger with a seeded random number generator, for reproducible simulations.
    pub fn seeded(seed: u64) -> Self {
        let inner = Inner { chance: fastrand::Rng::with_seed(seed), ..Inner::default() };
        Self(Arc::new(Shared { inner: Mutex::new(inner), news: Notify::new() }))
    }

    /// Registers an observer for all later changes.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.lock().observers.push(observer);
    }

    /// Merges breaker states from other replicas or from before a restart. A newer epoch wins, a longer cooldown wins,
    /// and a dead breaker stays dead within its epoch. Observers are not notified, so there is no echo.
    pub fn merge(&self, breaker_states: &[BreakerState], now: Moment) {
        let mut inner = self.lock();
        breaker_states.iter().for_each(|state| inner.books.merge(state, now));
    }

    /// Adds usage from other replicas or from before a restart. Observers are not notified.
    pub fn recall(&self, used: &[Used]) {
        let mut inner = self.lock();
        used.iter().for_each(|used| inner.books.recall(used));
    }

    /// The states of all breakers that have ever changed.
    pub fn breaker_states(&self, now: Moment) -> Vec<BreakerState> {
        self.lock().books.breaker_states(now)
    }

    /// Resets a key: its own breaker, and those of its quota group for one model or for all. A disabled key stays
    /// disabled.
    pub fn reset(&self, key: &Key, model: Option<&ModelName>, now: Moment) {
        let mut inner = self.lock();
        let events = inner.books.reset(key, model, now);
        inner.publish(&events);
    }

    /// Disables a key, or enables it again.
    pub fn disable(&self, key: &Key, disabled: bool, now: Moment) {
        let mut inner = self.lock();
        let events = inner.books.disable(key, disabled, now);
        inner.publish(events.as_slice());
    }

    /// Completes when a lease has been reported on or returned, so that a caller that found no key can try again.
    pub(super) fn news(&self) -> Notified<'_> {
        self.0.news.notified()
    }

    /// Wakes everyone waiting on `news`: a lease has been reported on or returned.
    pub(super) fn is_news(&self) {
        self.0.news.notify_waiters();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Code that panicked while holding the lock had changed single fields only, so the books are still consistent.
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Notifies the observers. Called under the lock, so that they see events in order.
    pub fn publish(&self, events: &[Event]) {
        for event in events {
            match event {
                Event::BreakerChanged(state) => {
                    self.observers.iter().for_each(|observer| observer.breaker_changed(state))
                }
                Event::Used(used) => self.observers.iter().for_each(|observer| observer.used(used)),
                Event::Siblings(one, other) => tracing::warn!(
                    key = %one, other = %other,
                    "two keys ran out of day quota together, although their own usage does not explain it: they probably \
                     belong to one Google project and share quota; give both the same `project`"
                ),
            }
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("books", &self.lock().books).finish()
    }
}
