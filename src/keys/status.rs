//! The states of keys as people read them: `/stats`, `/admin/keys`, `/health`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::breaker::Gate;
use super::key::KeyId;
use super::pool::KeyPool;
use crate::clock::Moment;

/// One key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyStatus {
    /// What it is called.
    pub id: KeyId,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The project it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Its own state, for all models.
    #[serde(flatten)]
    pub state: State,
    /// Models it rests for, while it serves others.
    pub models: BTreeMap<String, State>,
    /// How many requests it was taken for.
    pub requests: u64,
    /// How many of them failed by its fault.
    pub failures: u64,
    /// How many it serves now.
    pub in_flight: u32,
    /// The last fault that was its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<&'static str>,
}

/// A state, until when, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct State {
    /// `ready`, `resting`, `probing` or `dead`.
    pub state: &'static str,
    /// The end of a rest, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The fault that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The quota Google named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_id: Option<String>,
}

/// How many keys are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All.
    pub total: usize,
    /// Those that can serve some model now.
    pub usable: usize,
    /// Those that rest as a whole.
    pub resting: usize,
    /// Those that need an operator.
    pub dead: usize,
}

impl Counts {
    /// Both together.
    pub fn plus(self, other: &Self) -> Self {
        Self {
            total: self.total + other.total,
            usable: self.usable + other.usable,
            resting: self.resting + other.resting,
            dead: self.dead + other.dead,
        }
    }
}

impl State {
    fn of(gate: &Gate<'_>, now: Moment) -> Self {
        let plain = |state, why| Self { state, until: None, why, quota_id: None };
        match gate {
            Gate::Open => plain("ready", None),
            // Its rest is over; the next request tells whether it works again.
            Gate::Probe => plain("probing", None),
            Gate::Dead(why) => plain("dead", Some(why.name())),
            Gate::Closed { until, rest } => Self {
                state: if *until > rest.until { "probing" } else { "resting" },
                // Two clocks never agree to the last digit; nobody needs more than the second.
                until: Some(now.wall_at(*until))
                    .and_then(|until| until.round(jiff::Unit::Second).ok())
                    .map(|until| until.to_string()),
                why: Some(rest.why.name()),
                quota_id: rest.quota_id.clone(),
            },
        }
    }
}

impl KeyPool {
    /// The state of each key.
    pub fn status(&self, now: Moment) -> Vec<KeyStatus> {
        let books = self.ledger.books();
        let one = |key: &std::sync::Arc<super::Key>| {
            let account = books.account(&key.id).cloned().unwrap_or_default();
            let rests = books.rests(&key.group, now.since_start);
            KeyStatus {
                id: key.id.clone(),
                name: key.name.clone(),
                project: key.project.clone(),
                state: State::of(&account.breaker.gate(now.since_start), now),
                models: rests.map(|(model, gate)| (model.to_string(), State::of(&gate, now))).collect(),
                requests: account.requests,
                failures: account.failures,
                in_flight: account.in_flight,
                last_fault: account.last_fault.map(crate::fault::Kind::name),
            }
        };
        self.keys.iter().map(one).collect()
    }

    /// How many keys are in which state.
    pub fn counts(&self, now: Moment) -> Counts {
        let books = self.ledger.books();
        let mut counts = Counts { total: self.keys.len(), ..Counts::default() };
        for key in &self.keys {
            let gate = books.account(&key.id).map_or(Gate::Open, |account| account.breaker.gate(now.since_start));
            match gate {
                Gate::Dead(_) => counts.dead += 1,
                Gate::Closed { .. } => counts.resting += 1,
                Gate::Open | Gate::Probe => counts.usable += 1,
            }
        }
        counts
    }
}
