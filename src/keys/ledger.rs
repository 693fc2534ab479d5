//! What outlives a configuration: the state of each key, of each quota group for each model, and of each model. It is found
//! again by identity, so a reload never puts an exhausted key back to work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::breaker::{Breaker, Gate, Sentence};
use super::key::{Key, KeyId};
use super::quota::until_pacific_midnight;
use super::settings::CooldownSettings;
use crate::clock::Moment;
use crate::fault::{Blame, Fault, Kind};
use crate::model::ModelName;

/// A model that a key's project has no access to is asked for again after this long.
const NO_ACCESS: Duration = Duration::from_secs(24 * 3600);
/// An empty account, or a wrong country, is looked at again after this long.
const OPERATORS_MATTER: Duration = Duration::from_secs(3600);

/// The ledger. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
pub(super) struct Books {
    keys: HashMap<KeyId, Account>,
    quotas: HashMap<(Arc<str>, ModelName), Breaker>,
    models: HashMap<ModelName, u64>,
    picks: u64,
}

/// What is known of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub breaker: Breaker,
    pub in_flight: u32,
    pub last_pick: u64,
    pub requests: u64,
    pub failures: u64,
    pub last_fault: Option<Kind>,
}

/// The epochs a lease was given under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epochs {
    key: u64,
    quota: u64,
}

impl Ledger {
    /// Forgives a key everything: its own state, and that of its quota group for every model.
    pub fn reset(&self, key: &Key) {
        let mut books = self.books();
        if let Some(account) = books.keys.get_mut(&key.id) {
            account.breaker.reset();
        }
        for ((group, _), breaker) in &mut books.quotas {
            if *group == key.group {
                breaker.reset();
            }
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        // Whoever panicked while holding it had changed single fields only: the books are in order.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    pub fn account(&self, id: &KeyId) -> Option<&Account> {
        self.keys.get(id)
    }

    /// Whether a key may be used for a model now: the stricter of its two gates.
    pub fn gate(&self, key: &Key, model: &ModelName, now: Moment) -> Gate<'_> {
        let own = self.keys.get(&key.id).map_or(Gate::Open, |account| account.breaker.gate(now.since_start));
        let quota = self.quotas.get(&(key.group.clone(), model.clone()));
        let quota = quota.map_or(Gate::Open, |breaker| breaker.gate(now.since_start));
        match (own, quota) {
            (Gate::Dead(why), _) | (_, Gate::Dead(why)) => Gate::Dead(why),
            (Gate::Closed { until: one, rest }, Gate::Closed { until: other, .. }) if one >= other => {
                Gate::Closed { until: one, rest }
            }
            (_, closed @ Gate::Closed { .. }) | (closed @ Gate::Closed { .. }, _) => closed,
            (Gate::Open, Gate::Open) => Gate::Open,
            (Gate::Probe, _) | (_, Gate::Probe) => Gate::Probe,
        }
    }

    /// Models that a quota group rests for, with the rest.
    pub fn rests<'a>(&'a self, group: &'a str, now: Duration) -> impl Iterator<Item = (&'a ModelName, Gate<'a>)> {
        let of_group = self.quotas.iter().filter(move |((owner, _), _)| &**owner == group);
        of_group.map(move |((_, model), breaker)| (model, breaker.gate(now))).filter(|(_, gate)| *gate != Gate::Open)
    }

    pub fn take(&mut self, key: &Key, model: &ModelName, now: Moment) -> Epochs {
        self.picks += 1;
        let picks = self.picks;
        let account = self.keys.entry(key.id.clone()).or_default();
        account.in_flight += 1;
        account.requests += 1;
        account.last_pick = picks;
        let own = account.breaker.take(now.since_start);
        // A breaker that was never tripped is in epoch 0: no entry is needed until it fails.
        let quota = self.quotas.get_mut(&(key.group.clone(), model.clone()));
        Epochs { key: own, quota: quota.map_or(0, |breaker| breaker.take(now.since_start)) }
    }

    pub fn succeeded(&mut self, key: &Key, model: &ModelName, epochs: Epochs) {
        if let Some(account) = self.keys.get_mut(&key.id) {
            account.breaker.succeeded(epochs.key);
        }
        if let Some(breaker) = self.quotas.get_mut(&(key.group.clone(), model.clone())) {
            breaker.succeeded(epochs.quota);
        }
    }

    /// Books a fault where the blame lies. Only faults of keys and quotas change what may be used.
    pub fn failed(
        &mut self,
        key: &Key,
        model: &ModelName,
        epochs: Epochs,
        fault: &Fault,
        now: Moment,
        policy: &CooldownSettings,
    ) {
        let why = (fault.kind, fault.quota_id.as_deref());
        let account = self.keys.entry(key.id.clone()).or_default();
        match fault.blame {
            Blame::Key => {
                account.failures += 1;
                account.last_fault = Some(fault.kind);
                account.breaker.failed(epochs.key, sentence(fault, now), why, now.since_start, policy);
            }
            Blame::Quota => {
                account.failures += 1;
                account.last_fault = Some(fault.kind);
                let breaker = self.quotas.entry((key.group.clone(), model.clone())).or_default();
                breaker.failed(epochs.quota, sentence(fault, now), why, now.since_start, policy);
            }
            Blame::Model => *self.models.entry(model.clone()).or_default() += 1,
            Blame::Request | Blame::Client | Blame::Endpoint | Blame::Ours => {}
        }
    }

    pub fn release(&mut self, key: &Key, model: &ModelName, epochs: Epochs, reported: bool) {
        if let Some(account) = self.keys.get_mut(&key.id) {
            account.in_flight = account.in_flight.saturating_sub(1);
            if !reported {
                account.breaker.released(epochs.key);
            }
        }
        if let Some(breaker) = self.quotas.get_mut(&(key.group.clone(), model.clone()))
            && !reported
        {
            breaker.released(epochs.quota);
        }
    }
}

/// What a fault calls for. A day's quota lasts until Google's midnight even when the hint speaks of seconds; else Google's
/// own time wins.
fn sentence(fault: &Fault, now: Moment) -> Sentence {
    let after = |rest: Duration| Sentence::Until(now.since_start.saturating_add(rest));
    match (fault.kind, fault.retry_after) {
        (Kind::KeyInvalid | Kind::KeyBlocked, _) => Sentence::Death,
        (Kind::DayQuota, _) => after(until_pacific_midnight(now)),
        (Kind::ModelNotForKey, _) => after(NO_ACCESS),
        (Kind::Billing | Kind::Location, hint) => after(hint.unwrap_or(OPERATORS_MATTER)),
        (_, Some(hint)) => after(hint),
        (_, None) => Sentence::Backoff,
    }
}
