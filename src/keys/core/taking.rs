//! Taking a key into use and returning it: what is counted, and which breakers are probed.

use std::time::Duration;

use super::account::{DayUse, MOST_MODELS, Quota};
use super::books::{Books, Epochs, Event, Taken, scope_of_key, scope_of_quota, used};
use super::gate::Gate;
use super::penalty::Policy;
use crate::clock::Moment;
use crate::keys::key::Key;
use crate::model::ModelName;
use crate::store::{Scope, Used};

/// The result of taking a key into use.
#[derive(Clone, Debug, PartialEq)]
pub struct Taking {
    /// The epochs to report under.
    pub epochs: Epochs,
    /// The usage this has counted.
    pub used: Used,
    /// Breakers that this use probes.
    pub probes: Vec<Scope>,
}

impl Books {
    /// Takes a key into use.
    pub fn take(&mut self, key: &Key, model: &ModelName, now: Moment, policy: &Policy) -> Taking {
        let day = self.today.of(now);
        let mut probes = Vec::new();
        self.picks += 1;
        let picks = self.picks;
        let account = self.keys.entry(key.id.clone()).or_default();
        account.in_flight += 1;
        account.requests += 1;
        account.last_pick = picks;
        if account.breaker.gate(now.since_start) == Gate::Probe {
            probes.push(scope_of_key(&key.id));
        }
        let own = account.breaker.take(now.since_start, policy);
        // A key with recorded tokens has answered before, possibly before a restart.
        let answered = account.used(day, model).prompt_tokens > 0;
        let more = DayUse { requests: 1, ..DayUse::default() };
        account.count(day, model, &more);
        if !answered && self.quota_if_any(key, model).is_none() && self.may_count(key, model) {
            *self.quota(key, model) = Quota::new();
        }
        if key.limits.rpm.is_some() && self.may_count(key, model) {
            self.quota(key, model).requests.add(1, now.since_start);
        }
        // A breaker that has never tripped is in epoch 0 and needs no entry.
        let quota = self.quota_if_any(key, model).map_or(0, |quota| {
            quota.trust.asks();
            if quota.breaker.gate(now.since_start) == Gate::Probe {
                probes.push(scope_of_quota(&key.group, model));
            }
            quota.breaker.take(now.since_start, policy)
        });
        let model_epoch = self.models.get_mut(model).map_or(0, |breaker| {
            if breaker.gate(now.since_start) == Gate::Probe {
                probes.push(Scope::Model(model.to_string()));
            }
            breaker.take(now.since_start, &Policy::MODEL)
        });
        Taking {
            epochs: Epochs { key: own, quota, model: model_epoch },
            used: used(&key.id, model, day, &more),
            probes,
        }
    }

    /// Undoes `take` for a key that is not used after all. If another replica is making the probe, `probed_until` is
    /// when to look again.
    pub fn withdrawn(&mut self, taken: Taken<'_>, now: Moment, probed_until: Option<Duration>) {
        self.released(taken);
        let Taken { key, model, .. } = taken;
        let day = self.today.of(now);
        if let Some(account) = self.keys.get_mut(&key.id) {
            account.requests = account.requests.saturating_sub(1);
            account.uncount(day, model);
        }
        let Some(until) = probed_until else { return };
        let own = self.keys.get_mut(&key.id).map(|account| &mut account.breaker);
        let quota = self.quotas.get_mut(&key.group).and_then(|models| models.get_mut(model));
        let breakers = own.into_iter().chain(quota.map(|quota| &mut quota.breaker)).chain(self.models.get_mut(model));
        for breaker in breakers.filter(|breaker| breaker.gate(now.since_start) == Gate::Probe) {
            breaker.is_probed_elsewhere(until);
        }
    }

    /// Returns a key, with the prompt and completion tokens it used.
    pub fn give_back(&mut self, key: &Key, model: &ModelName, tokens: (u64, u64), now: Moment) -> Option<Event> {
        let day = self.today.of(now);
        // Nothing was learned about this quota: model names invented by clients leave no entry behind.
        if let Some(models) = self.quotas.get_mut(&key.group)
            && models.get(model).is_some_and(|quota| *quota == Quota::new())
        {
            models.remove(model);
        }
        let account = self.keys.get_mut(&key.id)?;
        account.in_flight = account.in_flight.saturating_sub(1);
        if tokens == (0, 0) {
            return None;
        }
        let more = DayUse { prompt_tokens: tokens.0, completion_tokens: tokens.1, ..DayUse::default() };
        account.count(day, model, &more);
        if key.limits.tpm.is_some() && self.may_count(key, model) {
            self.quota(key, model).tokens.add(tokens.0, now.since_start);
        }
        Some(Event::Used(used(&key.id, model, day, &more)))
    }

    /// A client that invents model names must not exhaust the memory.
    fn may_count(&self, key: &Key, model: &ModelName) -> bool {
        let models = self.quotas.get(&key.group);
        models.is_none_or(|models| models.len() < MOST_MODELS || models.contains_key(model))
    }
}
