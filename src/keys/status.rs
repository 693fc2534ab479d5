//! Key states as reported by `/stats`, `/admin/keys` and `/health`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use super::core::{Books, Breaker, DayUse, Gate};
use super::key::{Key, KeyId};
use super::ledger::Ledger;
use super::pool::KeyPool;
use crate::clock::Moment;
use crate::fault::Kind;
use crate::model::ModelName;

/// The status of one key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyStatus {
    /// Its id.
    pub id: KeyId,
    /// Its display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The project it is configured to belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Keys that probably belong to the same project, although the configuration does not say so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probably_shares_quota_with: Vec<KeyId>,
    /// Its own state, which applies to all models.
    #[serde(flatten)]
    pub state: State,
    /// Models it was used for today or that its quota group has a state for, such as a cooldown.
    pub models: BTreeMap<String, ModelStatus>,
    /// Requests it was taken for.
    pub requests: u64,
    /// How many of them failed by its own or its quota's fault.
    pub failures: u64,
    /// Requests in flight.
    pub in_flight: u32,
    /// The last fault the key or its quota was to blame for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<&'static str>,
}

/// The status of one key for one model. State and strikes belong to the whole quota group, the usage to the key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelStatus {
    /// Whether it may be used for this model.
    #[serde(flatten)]
    pub state: State,
    /// The last fault of this quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<&'static str>,
    /// Usage since midnight Pacific time.
    pub today: DayUse,
}

/// A state, with its end and its cause.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct State {
    /// `ready`, `resting`, `probing`, `dead` or `disabled`.
    pub state: &'static str,
    /// The end of the cooldown, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The fault that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The quota Google named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_id: Option<String>,
    /// Cooldowns in a row.
    pub strikes: u32,
}

/// The number of keys in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All keys.
    pub total: usize,
    /// Keys that can serve some model now.
    pub usable: usize,
    /// Keys that are cooling down for all models.
    pub resting: usize,
    /// Keys that need an operator's attention.
    pub dead: usize,
    /// Keys that an operator has disabled.
    pub disabled: usize,
}

impl Counts {
    /// The counts, each with the name of its state.
    pub fn states(&self) -> [(&'static str, usize); 4] {
        [("usable", self.usable), ("resting", self.resting), ("dead", self.dead), ("disabled", self.disabled)]
    }

    fn add(&mut self, gate: Gate) {
        self.total += 1;
        match gate {
            Gate::Disabled => self.disabled += 1,
            Gate::Dead(_) => self.dead += 1,
            Gate::Closed { .. } => self.resting += 1,
            Gate::Open | Gate::Probe | Gate::Busy(_) => self.usable += 1,
        }
    }

    /// The sum of both.
    pub fn plus(self, other: &Self) -> Self {
        Self {
            total: self.total + other.total,
            usable: self.usable + other.usable,
            resting: self.resting + other.resting,
            dead: self.dead + other.dead,
            disabled: self.disabled + other.disabled,
        }
    }
}

impl State {
    fn of(breaker: &Breaker, now: Moment) -> Self {
        let rest = breaker.rest();
        let (state, until) = match breaker.gate(now.since_start) {
            Gate::Open => ("ready", None),
            // The cooldown is over; the next request, or the one in flight, decides whether the key works again.
            Gate::Probe | Gate::Busy(_) => ("probing", None),
            Gate::Closed { until, .. } => ("resting", Some(until)),
            Gate::Dead(_) => ("dead", None),
            Gate::Disabled => ("disabled", None),
        };
        Self {
            state,
            // Conversion from the monotonic to the wall clock is never exact, and a second is precise enough.
            until: until
                .and_then(|until| now.wall_at(until).round(jiff::Unit::Second).ok())
                .map(|until| until.to_string()),
            why: rest.map(|rest| rest.why.name()),
            quota_id: rest.and_then(|rest| rest.quota_id.clone()),
            strikes: breaker.strikes(now.since_start),
        }
    }
}

impl KeyPool {
    /// The status of each key.
    pub fn status(&self, now: Moment) -> Vec<KeyStatus> {
        let mut inner = self.ledger.lock();
        let today = inner.books.today(now);
        self.keys.iter().map(|key| one(&inner.books, key, now, today)).collect()
    }

    /// The number of keys in each state.
    pub fn counts(&self, now: Moment) -> Counts {
        let inner = self.ledger.lock();
        let mut counts = Counts::default();
        for key in &self.keys {
            let account = inner.books.account(&key.id);
            counts.add(account.map_or(Gate::Open, |account| account.breaker.gate(now.since_start)));
        }
        counts
    }

    /// The number of keys in each state for a model, among the keys that may serve it.
    pub fn counts_for(&self, model: &ModelName, now: Moment) -> Counts {
        let mut inner = self.ledger.lock();
        let today = inner.books.today(now);
        let mut counts = Counts::default();
        for key in self.keys.iter().filter(|key| key.may_serve(model)) {
            counts.add(inner.books.availability(key, model, now, today).gate);
        }
        counts
    }
}

impl Ledger {
    /// The states of models themselves, regardless of the key: those that were overloaded.
    pub fn models(&self, now: Moment) -> BTreeMap<String, State> {
        let inner = self.lock();
        inner.books.models().map(|(model, breaker)| (model.to_string(), State::of(breaker, now))).collect()
    }
}

fn one(books: &Books, key: &Arc<Key>, now: Moment, today: Date) -> KeyStatus {
    let account = books.account(&key.id).cloned().unwrap_or_default();
    let status = |breaker: &Breaker, last_fault: Option<Kind>, today: DayUse| ModelStatus {
        state: State::of(breaker, now),
        last_fault: last_fault.map(Kind::name),
        today,
    };
    let used = account.used_on(today);
    let mut models: BTreeMap<String, ModelStatus> =
        used.map(|(model, used)| (model.to_string(), status(&Breaker::default(), None, *used))).collect();
    for (model, quota) in books.quotas(&key.group) {
        models.insert(model.to_string(), status(&quota.breaker, quota.last_fault, account.used(today, model)));
    }
    let siblings = books.siblings().filter_map(|(one, other)| match () {
        () if *one == key.id => Some(other.clone()),
        () if *other == key.id => Some(one.clone()),
        () => None,
    });
    KeyStatus {
        id: key.id.clone(),
        name: key.name.clone(),
        project: key.project.clone(),
        probably_shares_quota_with: siblings.collect(),
        state: State::of(&account.breaker, now),
        models,
        requests: account.requests,
        failures: account.failures,
        in_flight: account.in_flight,
        last_fault: account.last_fault.map(Kind::name),
    }
}
