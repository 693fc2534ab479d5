//! What outlives a configuration: the books of [`super::core`] under one lock, and those who remember them elsewhere. State is
//! found again by identity, so a reload never puts an exhausted key back to work.

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

/// The ledger. Clones share it.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Shared>);

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    news: Notify,
}

/// What the lock is round.
#[derive(Default)]
pub(super) struct Kept {
    pub books: Books,
    pub chance: fastrand::Rng,
    observers: Vec<Arc<dyn Observer>>,
}

impl Ledger {
    /// One whose chances repeat: for trying things out.
    pub fn seeded(seed: u64) -> Self {
        let kept = Kept { chance: fastrand::Rng::with_seed(seed), ..Kept::default() };
        Self(Arc::new(Shared { kept: Mutex::new(kept), news: Notify::new() }))
    }

    /// From now on, tells this one too.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.kept().observers.push(observer);
    }

    /// Takes in how breakers stand elsewhere, or stood before a restart. A newer epoch wins, a longer rest wins, the dead stay
    /// dead in their epoch. Nobody is told: there is no echo.
    pub fn merge(&self, breaker_states: &[BreakerState], now: Moment) {
        let mut kept = self.kept();
        breaker_states.iter().for_each(|state| kept.books.merge(state, now));
    }

    /// Adds what was used elsewhere, or before a restart. Nobody is told.
    pub fn recall(&self, used: &[Used]) {
        let mut kept = self.kept();
        used.iter().for_each(|used| kept.books.recall(used));
    }

    /// How all breakers stand that have ever changed.
    pub fn breaker_states(&self, now: Moment) -> Vec<BreakerState> {
        self.kept().books.breaker_states(now)
    }

    /// Forgives a key: its own state, and that of its quota group for one model or for all. What was disabled stays so.
    pub fn reset(&self, key: &Key, model: Option<&ModelName>, now: Moment) {
        let mut kept = self.kept();
        let events = kept.books.reset(key, model, now);
        kept.publish(&events);
    }

    /// Takes a key out of use, or back into it.
    pub fn disable(&self, key: &Key, disabled: bool, now: Moment) {
        let mut kept = self.kept();
        let events = kept.books.disable(key, disabled, now);
        kept.publish(events.as_slice());
    }

    /// Ends when a key has been reported on, or given back: whoever found none may look again.
    pub(super) fn news(&self) -> Notified<'_> {
        self.0.news.notified()
    }

    /// A key has been reported on, or given back.
    pub(super) fn is_news(&self) {
        self.0.news.notify_waiters();
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked while holding it had changed single fields only: the books are in order.
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Tells the observers, in order: so under the lock.
    pub fn publish(&self, events: &[Event]) {
        for event in events {
            match event {
                Event::BreakerChanged(state) => {
                    self.observers.iter().for_each(|observer| observer.breaker_changed(state))
                }
                Event::Used(used) => self.observers.iter().for_each(|observer| observer.used(used)),
                Event::Siblings(one, other) => tracing::warn!(
                    key = %one, other = %other,
                    "two keys have found the quota of the day used up together, and not by what they did: probably they are of \
                     one Google project and share quota; give both the same `project`"
                ),
            }
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("books", &self.kept().books).finish()
    }
}
