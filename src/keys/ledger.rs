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
use crate::store::{Standing, Used, Witness};
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
    witnesses: Vec<Arc<dyn Witness>>,
}

impl Ledger {
    /// One whose chances repeat: for trying things out.
    pub fn seeded(seed: u64) -> Self {
        let kept = Kept { chance: fastrand::Rng::with_seed(seed), ..Kept::default() };
        Self(Arc::new(Shared { kept: Mutex::new(kept), news: Notify::new() }))
    }

    /// From now on, tells this one too.
    pub fn tell(&self, witness: Arc<dyn Witness>) {
        self.kept().witnesses.push(witness);
    }

    /// Takes in how breakers stand elsewhere, or stood before a restart. A newer epoch wins, a longer rest wins, the dead stay
    /// dead in their epoch. Nobody is told: there is no echo.
    pub fn merge(&self, standings: &[Standing], now: Moment) {
        let mut kept = self.kept();
        standings.iter().for_each(|standing| kept.books.merge(standing, now));
    }

    /// Adds what was used elsewhere, or before a restart. Nobody is told.
    pub fn recall(&self, used: &[Used]) {
        let mut kept = self.kept();
        used.iter().for_each(|used| kept.books.recall(used));
    }

    /// How all breakers stand that have ever changed.
    pub fn standings(&self, now: Moment) -> Vec<Standing> {
        self.kept().books.standings(now)
    }

    /// Forgives a key: its own state, and that of its quota group for one model or for all. What was disabled stays so.
    pub fn reset(&self, key: &Key, model: Option<&ModelName>, now: Moment) {
        let mut kept = self.kept();
        let events = kept.books.reset(key, model, now);
        kept.told(&events);
    }

    /// Takes a key out of use, or back into it.
    pub fn disable(&self, key: &Key, disabled: bool, now: Moment) {
        let mut kept = self.kept();
        let events = kept.books.disable(key, disabled, now);
        kept.told(events.as_slice());
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
    /// Tells the witnesses, in order: so under the lock.
    pub fn told(&self, events: &[Event]) {
        for event in events {
            match event {
                Event::Stands(standing) => self.witnesses.iter().for_each(|witness| witness.stands(standing)),
                Event::Used(used) => self.witnesses.iter().for_each(|witness| witness.used(used)),
                Event::Akin(one, other) => tracing::warn!(
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
