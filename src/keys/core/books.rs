//! All breakers and accounts, and what happens to them: a key is taken, reports come in, a key is given back.

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

/// The books.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Books {
    pub(super) keys: HashMap<KeyId, Account>,
    pub(super) quotas: Quotas,
    pub(super) models: HashMap<ModelName, Breaker>,
    pub(super) picks: u64,
    pub(super) today: Today,
    siblings: Siblings,
}

/// The epochs a lease was given under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    pub(super) key: u64,
    pub(super) quota: u64,
    pub(super) model: u64,
}

/// What others should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A breaker stands differently.
    BreakerChanged(BreakerState),
    /// Something was used.
    Used(Used),
    /// Two keys are probably of one project.
    Siblings(KeyId, KeyId),
}

/// A lease as the books see it.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// Which key.
    pub key: &'a Key,
    /// For which model.
    pub model: &'a ModelName,
    /// Under which epochs.
    pub epochs: Epochs,
    /// Whether it was reported on already: what comes after, as of a stream that breaks, gives no probe back.
    pub reported: bool,
}

/// How a key stands for a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Availability {
    /// Whether it may be used: the strictest of its own gate, its quota group's, and its known limits.
    pub gate: Gate,
    /// Whether it is just being found out what it can do for the model, and one more need not find out the same.
    pub being_tried: bool,
    /// Requests it serves now.
    pub in_flight: u32,
    /// The number of the pick at which it was taken last; 0 is never.
    pub last_pick: u64,
}

impl Books {
    /// What is known of a key.
    pub fn account(&self, id: &KeyId) -> Option<&Account> {
        self.keys.get(id)
    }

    /// What is known of a quota group, by model.
    pub fn quotas(&self, group: &str) -> impl Iterator<Item = (&ModelName, &Quota)> {
        self.quotas.get(group).into_iter().flatten()
    }

    /// The breakers of models.
    pub fn models(&self) -> impl Iterator<Item = (&ModelName, &Breaker)> {
        self.models.iter()
    }

    /// Pairs of keys that are probably of one project.
    pub fn siblings(&self) -> impl Iterator<Item = &(KeyId, KeyId)> {
        self.siblings.probable()
    }

    /// Google's day.
    pub fn today(&mut self, now: Moment) -> Date {
        self.today.of(now)
    }

    /// Whether a model may be asked for, whatever the key.
    pub fn model_gate(&self, model: &ModelName, now: Duration) -> Gate {
        self.models.get(model).map_or(Gate::Open, |breaker| breaker.gate(now))
    }

    /// How a key stands for a model.
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

    /// What is left of known limits.
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

    /// A request was answered.
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

    /// What is asked beside models failed by the key's own fault: it rests, or is dead, as after a request. One that rests, or is dead,
    /// has been judged.
    pub fn refused(&mut self, key: &Key, fault: &Fault, now: Moment, policy: &Policy, chance: f64) -> Option<Event> {
        let breaker = &mut self.keys.entry(key.id.clone()).or_default().breaker;
        let judged = !breaker.gate(now.since_start).lets_through();
        let changed =
            !judged && breaker.failed(breaker.epoch, cause(fault, now, policy), now.since_start, policy, chance);
        changed.then(|| Event::BreakerChanged(breaker.export(scope_of_key(&key.id), now)))
    }

    /// A request failed: booked where the blame lies. What nobody here is to blame for changes nothing; probes that it was
    /// meant for may be made again.
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
            // Broken answers and inner errors may be this request's doing, and must not close the way for others.
            Blame::Model if fault.kind == Kind::Overloaded => {
                let breaker = self.models.entry(model.clone()).or_default();
                let changed = breaker.failed(epochs.model, cause, at, &Policy::MODEL, chance);
                changed.then(|| breaker.export(Scope::Model(model.to_string()), now))
            }
            Blame::Model | Blame::Request | Blame::Client | Blame::Endpoint | Blame::Ours => None,
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
        // The key had answered less than Google allows it: somebody else has used its quota up.
        if fault.kind == Kind::DayQuota && key.project.is_none() && fault.quota_value.is_some_and(|most| served < most)
        {
            let refused = Refused { key: key.id.clone(), model: model.clone(), day };
            let siblings = self.siblings.refused(refused, now.since_start);
            events.extend(siblings.map(|other| Event::Siblings(other, key.id.clone())));
        }
        events
    }

    /// Probes and ramps are free again. Where a failure was booked, nothing is: that began another epoch.
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

    /// Forgives a key: its own state, and that of its quota group for one model or for all.
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

    /// Takes a key out of use, or back into it.
    pub fn disable(&mut self, key: &Key, disabled: bool, now: Moment) -> Option<Event> {
        let breaker = &mut self.keys.entry(key.id.clone()).or_default().breaker;
        breaker.disable(disabled).then(|| Event::BreakerChanged(breaker.export(scope_of_key(&key.id), now)))
    }

    /// Takes in how a breaker stands elsewhere. What names no model of ours is passed over.
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

    /// Takes in what was used elsewhere, or before a restart.
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

    /// How all breakers stand that have ever changed.
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
