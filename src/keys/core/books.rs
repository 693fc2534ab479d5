//! All breakers and accounts, and the operations on them: taking a key, reporting an outcome, returning a key.

use std::sync::Arc;
use std::time::Duration;

use foldhash::HashMap;
use jiff::civil::Date;

use super::account::{Account, DayUse, Quota};
use super::breaker::{Breaker, Cause};
use super::gate::Gate;
use super::penalty::{Penalty, Policy};
use super::siblings::{Refused, Siblings};
use crate::clock::Moment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::key::{Key, KeyId};
use crate::model::ModelName;
use crate::pacific::{Today, until_midnight};
use crate::store::{BreakerState, Scope, Used};

/// Quota groups by name, each with its models.
type Quotas = HashMap<Arc<str>, HashMap<ModelName, Quota>>;

/// All breakers and accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Books {
    pub(super) keys: HashMap<KeyId, Account>,
    pub(super) quotas: Quotas,
    pub(super) models: HashMap<ModelName, Breaker>,
    pub(super) picks: u64,
    pub(super) today: Today,
    siblings: Siblings,
}

/// The epochs a lease was taken under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    pub(super) key: u64,
    pub(super) quota: u64,
    pub(super) model: u64,
}

/// A change that observers (disk, Redis) must be told about.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The state of a breaker changed.
    BreakerChanged(BreakerState),
    /// Usage was counted.
    Used(Used),
    /// Two keys probably belong to one project.
    Siblings(KeyId, KeyId),
}

/// A lease as the books see it.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// The key.
    pub key: &'a Key,
    /// The model it was taken for.
    pub model: &'a ModelName,
    /// The epochs it was taken under.
    pub epochs: Epochs,
    /// Whether an outcome was already reported. A later one, such as a stream that breaks off, releases no probe.
    pub reported: bool,
}

/// Whether a key is available for a model, and what selection needs to know about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Availability {
    /// The strictest of the key's own gate, its quota group's gate, and its known limits.
    pub gate: Gate,
    /// Whether requests in flight are already finding out whether the quota answers, so that one more need not.
    pub being_tried: bool,
    /// Requests in flight.
    pub in_flight: u32,
    /// Sequence number of the pick that last took this key; 0 means never.
    pub last_pick: u64,
}

impl Books {
    /// What is known about a key.
    pub fn account(&self, id: &KeyId) -> Option<&Account> {
        self.keys.get(id)
    }

    /// What is known about a quota group, by model.
    pub fn quotas(&self, group: &str) -> impl Iterator<Item = (&ModelName, &Quota)> {
        self.quotas.get(group).into_iter().flatten()
    }

    /// The breakers of models.
    pub fn models(&self) -> impl Iterator<Item = (&ModelName, &Breaker)> {
        self.models.iter()
    }

    /// Pairs of keys that probably belong to one project.
    pub fn siblings(&self) -> impl Iterator<Item = &(KeyId, KeyId)> {
        self.siblings.probable()
    }

    /// The current Google day.
    pub fn today(&mut self, now: Moment) -> Date {
        self.today.of(now)
    }

    /// Whether a model may be used, regardless of the key.
    pub fn model_gate(&self, model: &ModelName, now: Duration) -> Gate {
        self.models.get(model).map_or(Gate::Open, |breaker| breaker.gate(now))
    }

    /// The availability of a key for a model.
    pub fn availability(&self, key: &Key, model: &ModelName, now: Moment, day: Date) -> Availability {
        let account = self.keys.get(&key.id);
        let quota = self.quotas.get(&key.group).and_then(|models| models.get(model));
        let own = account.map_or(Gate::Open, |account| account.breaker.gate(now.since_start));
        let shared = quota.map_or(Gate::Open, |quota| quota.breaker.gate(now.since_start));
        let gate = own.and(shared);
        Availability {
            gate: if gate.lets_through() { gate.and(self.limits(key, model, quota, now, day)) } else { gate },
            being_tried: quota.is_some_and(|quota| quota.trust.is_full()),
            in_flight: account.map_or(0, |account| account.in_flight),
            last_pick: account.map_or(0, |account| account.last_pick),
        }
    }

    /// Whether the known limits leave room for another request.
    fn limits(&self, key: &Key, model: &ModelName, quota: Option<&Quota>, now: Moment, day: Date) -> Gate {
        let full =
            |until: Option<Duration>| until.map_or(Gate::Open, |until| Gate::Closed { until, why: Kind::RateLimited });
        let limits = &key.limits;
        let mut gate = Gate::Open;
        if let (Some(rpm), Some(quota)) = (limits.rpm, quota) {
            gate = gate.and(full(quota.requests.full_until(rpm, now.since_start)));
        }
        if let (Some(tpm), Some(quota)) = (limits.tpm, quota) {
            gate = gate.and(full(quota.tokens.full_until(tpm, now.since_start)));
        }
        if limits.rpd.is_some_and(|rpd| self.used_by_group(key, model, day) >= rpd) {
            let until = now.since_start.saturating_add(until_midnight(now));
            gate = gate.and(Gate::Closed { until, why: Kind::DayQuota });
        }
        gate
    }

    fn used_by_group(&self, key: &Key, model: &ModelName, day: Date) -> u64 {
        let of = |id: &KeyId| self.keys.get(id).map_or(0, |account| account.used(day, model).requests);
        key.group_keys.iter().map(of).sum()
    }

    /// Books a successful request.
    pub fn succeeded(&mut self, taken: Taken<'_>, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        let Taken { key, model, epochs, reported } = taken;
        if let Some(quota) = self.quota_if_any(key, model).filter(|_| !reported) {
            quota.trust.answered();
        }
        if let Some(account) = self.keys.get_mut(&key.id)
            && account.breaker.succeeded(epochs.key, now.since_start)
        {
            events.push(Event::BreakerChanged(account.breaker.export(scope_of_key(&key.id), now)));
        }
        if let Some(quota) = self.quota_if_any(key, model)
            && quota.breaker.succeeded(epochs.quota, now.since_start)
        {
            events.push(Event::BreakerChanged(quota.breaker.export(scope_of_quota(&key.group, model), now)));
        }
        if let Some(breaker) = self.models.get_mut(model)
            && breaker.succeeded(epochs.model, now.since_start)
        {
            events.push(Event::BreakerChanged(breaker.export(Scope::Model(model.to_string()), now)));
        }
        events
    }

    /// Books a failed resource request (files, cached contents) against its key: the key cools down or becomes dead as
    /// after a model request. A key that is already cooling down or dead is left as it is.
    pub fn refused(&mut self, key: &Key, fault: &Fault, now: Moment, policy: &Policy, chance: f64) -> Option<Event> {
        let breaker = &mut self.keys.entry(key.id.clone()).or_default().breaker;
        let judged = !breaker.gate(now.since_start).lets_through();
        let changed =
            !judged && breaker.failed(breaker.epoch, cause(fault, now, policy), now.since_start, policy, chance);
        changed.then(|| Event::BreakerChanged(breaker.export(scope_of_key(&key.id), now)))
    }

    /// Books a failed request against whatever is to blame. If that is neither the key, the quota nor an overloaded
    /// model, no state changes; probes that the request was making may be made again.
    pub fn failed(&mut self, taken: Taken<'_>, fault: &Fault, now: Moment, policy: &Policy, chance: f64) -> Vec<Event> {
        let Taken { key, model, epochs, .. } = taken;
        let cause = cause(fault, now, policy);
        let at = now.since_start;
        let mut events = Vec::new();
        let stands = match fault.blame {
            Blame::Key => {
                let breaker = &mut self.keys.entry(key.id.clone()).or_default().breaker;
                let changed = breaker.failed(epochs.key, cause, at, policy, chance);
                changed.then(|| breaker.export(scope_of_key(&key.id), now))
            }
            Blame::Quota => {
                let quota = self.quota(key, model);
                quota.last_fault = Some(fault.kind);
                let changed = quota.breaker.failed(epochs.quota, cause, at, policy, chance);
                changed.then(|| quota.breaker.export(scope_of_quota(&key.group, model), now))
            }
            // Broken answers and internal errors may be caused by this request, so they must not block the model for
            // others.
            Blame::Model if fault.kind == Kind::Overloaded => {
                let breaker = self.models.entry(model.clone()).or_default();
                let changed = breaker.failed(epochs.model, cause, at, &Policy::MODEL, chance);
                changed.then(|| breaker.export(Scope::Model(model.to_string()), now))
            }
            Blame::Model | Blame::Request | Blame::Client | Blame::Endpoint | Blame::Internal => None,
        };
        events.extend(stands.map(Event::BreakerChanged));
        if matches!(fault.blame, Blame::Key | Blame::Quota) {
            events.extend(self.count_failure(key, model, fault, now));
        }
        self.released(taken);
        events
    }

    fn count_failure(&mut self, key: &Key, model: &ModelName, fault: &Fault, now: Moment) -> Vec<Event> {
        let day = self.today.of(now);
        let account = self.keys.entry(key.id.clone()).or_default();
        account.failures += 1;
        account.last_fault = Some(fault.kind);
        let more = DayUse { failures: 1, ..DayUse::default() };
        account.count(day, model, &more);
        let ours = account.used(day, model);
        let served = ours.requests.saturating_sub(ours.failures);
        let mut events = vec![Event::Used(used(&key.id, model, day, &more))];
        // The key has served fewer requests than Google allows it, so something else has used up its quota.
        if fault.kind == Kind::DayQuota && key.project.is_none() && fault.quota_value.is_some_and(|most| served < most)
        {
            let refused = Refused { key: key.id.clone(), model: model.clone(), day };
            let siblings = self.siblings.refused(refused, now.since_start);
            events.extend(siblings.map(|other| Event::Siblings(other, key.id.clone())));
        }
        events
    }

    /// Releases the probes and ramp slots of a lease. A breaker that booked a failure ignores this, as the failure
    /// began a new epoch.
    pub fn released(&mut self, taken: Taken<'_>) {
        let Taken { key, model, epochs, reported } = taken;
        if reported {
            return;
        }
        if let Some(account) = self.keys.get_mut(&key.id) {
            account.breaker.released(epochs.key);
        }
        if let Some(quota) = self.quota_if_any(key, model) {
            quota.trust.gave_up();
            quota.breaker.released(epochs.quota);
        }
        if let Some(breaker) = self.models.get_mut(model) {
            breaker.released(epochs.model);
        }
    }

    /// Resets a key: its own breaker, and those of its quota group for one model or for all.
    pub fn reset(&mut self, key: &Key, model: Option<&ModelName>, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(account) = self.keys.get_mut(&key.id) {
            account.breaker.reset();
            events.push(Event::BreakerChanged(account.breaker.export(scope_of_key(&key.id), now)));
        }
        for (name, quota) in self.quotas.get_mut(&key.group).into_iter().flatten() {
            if model.is_none_or(|model| model == name) {
                quota.breaker.reset();
                events.push(Event::BreakerChanged(quota.breaker.export(scope_of_quota(&key.group, name), now)));
            }
        }
        events
    }

    /// Disables a key, or enables it again.
    pub fn disable(&mut self, key: &Key, disabled: bool, now: Moment) -> Option<Event> {
        let breaker = &mut self.keys.entry(key.id.clone()).or_default().breaker;
        breaker.disable(disabled).then(|| Event::BreakerChanged(breaker.export(scope_of_key(&key.id), now)))
    }

    /// Merges the state of a breaker from elsewhere. Ignores states with an invalid model name.
    pub fn merge(&mut self, standing: &BreakerState, now: Moment) {
        let breaker = match &standing.scope {
            Scope::Key(id) => &mut self.keys.entry(KeyId::known(id)).or_default().breaker,
            Scope::Quota { group, model } => {
                let Some(model) = ModelName::parse(model) else { return };
                &mut self.quotas.entry(group.as_str().into()).or_default().entry(model).or_default().breaker
            }
            Scope::Model(model) => {
                let Some(model) = ModelName::parse(model) else { return };
                self.models.entry(model).or_default()
            }
        };
        breaker.merge(standing, now);
    }

    /// Adds usage from elsewhere or from before a restart.
    pub fn recall(&mut self, used: &Used) {
        let Some(model) = ModelName::parse(&used.model) else { return };
        let more = DayUse {
            requests: used.requests,
            failures: used.failures,
            prompt_tokens: used.prompt_tokens,
            completion_tokens: used.completion_tokens,
        };
        self.keys.entry(KeyId::known(&used.key)).or_default().count(used.day, &model, &more);
    }

    /// The states of all breakers that have ever changed.
    pub fn breaker_states(&self, now: Moment) -> Vec<BreakerState> {
        let keys = self.keys.iter().map(|(id, account)| (scope_of_key(id), &account.breaker));
        let quotas = self.quotas.iter().flat_map(|(group, models)| {
            models.iter().map(move |(model, quota)| (scope_of_quota(group, model), &quota.breaker))
        });
        let models = self.models.iter().map(|(model, breaker)| (Scope::Model(model.to_string()), breaker));
        let all = keys.chain(quotas).chain(models);
        all.map(|(scope, breaker)| breaker.export(scope, now)).filter(|standing| standing.epoch > 0).collect()
    }

    pub(super) fn quota(&mut self, key: &Key, model: &ModelName) -> &mut Quota {
        self.quotas.entry(key.group.clone()).or_default().entry(model.clone()).or_default()
    }

    pub(super) fn quota_if_any(&mut self, key: &Key, model: &ModelName) -> Option<&mut Quota> {
        self.quotas.get_mut(&key.group)?.get_mut(model)
    }
}

fn cause<'a>(fault: &'a Fault, now: Moment, policy: &Policy) -> Cause<'a> {
    Cause { penalty: Penalty::of(fault, now, policy), kind: fault.kind, quota_id: fault.quota_id.as_deref() }
}

pub(super) fn scope_of_key(id: &KeyId) -> Scope {
    Scope::Key(id.as_str().to_owned())
}

pub(super) fn scope_of_quota(group: &Arc<str>, model: &ModelName) -> Scope {
    Scope::Quota { group: group.to_string(), model: model.to_string() }
}

pub(super) fn used(key: &KeyId, model: &ModelName, day: Date, more: &DayUse) -> Used {
    Used {
        key: key.as_str().to_owned(),
        model: model.to_string(),
        day,
        requests: more.requests,
        failures: more.failures,
        prompt_tokens: more.prompt_tokens,
        completion_tokens: more.completion_tokens,
    }
}
