//! A key in use, and which keys a request has tried.

use std::sync::Arc;

use super::core::{Epochs, Event, Policy, Taken};
use super::key::{Key, KeyId};
use super::ledger::Ledger;
use crate::clock::Moment;
use crate::fault::{Blame, Fault};
use crate::model::ModelName;
use crate::store::{BreakerState, Claim, Held, Scope, Used};
use crate::telemetry::Rest;

/// A key in use. Dropping it returns the key.
#[derive(Debug)]
pub struct Lease {
    pub(super) key: Arc<Key>,
    pub(super) model: ModelName,
    pub(super) epochs: Epochs,
    pub(super) policy: Arc<Policy>,
    pub(super) ledger: Ledger,
    /// What the other replicas must agree to before the key is used.
    pub(super) claim: Option<Claim>,
    /// Usage that has not been published yet.
    pub(super) untold: Option<Used>,
    /// Claims that keep other replicas from making the same probes meanwhile.
    pub(super) held: Option<Held>,
    /// When it was taken or last reported on.
    pub(super) at: Moment,
    pub(super) tokens: (u64, u64),
    pub(super) reported: bool,
}

impl Lease {
    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Reports success. For a stream, call this at its first content, since the stream may last for minutes.
    pub fn succeeded(&mut self, now: Moment) {
        let mut inner = self.ledger.lock();
        let events = inner.books.succeeded(self.taken(), now);
        inner.publish(&events);
        drop(inner);
        // Only after the outcome has been published.
        self.held = None;
        self.ledger.is_news();
        (self.at, self.reported) = (now, true);
    }

    /// Reports a failure, whatever is to blame. Returns the cooldown it caused, if any.
    pub fn failed(&mut self, fault: &Fault, now: Moment) -> Option<Rest> {
        let mut inner = self.ledger.lock();
        let chance = inner.chance.f64();
        let events = inner.books.failed(self.taken(), fault, now, &self.policy, chance);
        inner.publish(&events);
        drop(inner);
        self.held = None;
        self.ledger.is_news();
        (self.at, self.reported) = (now, true);
        events.iter().find_map(|event| match event {
            Event::BreakerChanged(state) => rest(state, now),
            Event::Used(_) | Event::Siblings(..) => None,
        })
    }

    /// Sets the prompt and completion tokens used so far: totals, not increments.
    pub fn used(&mut self, prompt: u64, completion: u64) {
        self.tokens = (prompt, completion);
    }

    /// Publishes the usage, if that was held back until other replicas agreed.
    pub(super) fn report_use(&mut self) {
        if let Some(used) = self.untold.take() {
            self.ledger.lock().publish(&[Event::Used(used)]);
        }
    }

    pub(super) fn taken(&self) -> Taken<'_> {
        Taken { key: &self.key, model: &self.model, epochs: self.epochs, reported: self.reported }
    }
}

/// The cooldown that a breaker state describes, if any.
fn rest(state: &BreakerState, now: Moment) -> Option<Rest> {
    let of = match state.scope {
        Scope::Key(_) => "key",
        Scope::Quota { .. } => "quota",
        Scope::Model(_) => "model",
    };
    let seconds = state.until.map(|until| until.duration_since(now.wall).as_secs_f64().max(0.0));
    match (state.dead, seconds) {
        (true, _) => Some(Rest { of, seconds: None }),
        (false, Some(seconds)) => Some(Rest { of, seconds: Some((seconds * 10.0).round() / 10.0) }),
        (false, None) => None,
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.report_use();
        let mut inner = self.ledger.lock();
        inner.books.released(self.taken());
        let event = inner.books.give_back(&self.key, &self.model, self.tokens, self.at);
        inner.publish(event.as_slice());
        drop(inner);
        self.ledger.is_news();
    }
}

/// Quota groups that rejected a request: if one key of a group was rejected, its other keys would be too.
/// [`Tried::add`] ignores keys that are not to blame for the failure.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    refused: Vec<(KeyId, Arc<str>)>,
    /// Groups whose daily quota all replicas together have used up.
    spent: Vec<Arc<str>>,
}

impl Tried {
    /// Records a failed lease, if its key or quota is to blame.
    pub fn add(&mut self, lease: &Lease, fault: &Fault) {
        if matches!(fault.blame, Blame::Key | Blame::Quota) {
            self.pass_over(lease);
        }
    }

    /// Excludes the lease's quota group from further attempts of the same request, whatever is to blame.
    pub fn pass_over(&mut self, lease: &Lease) {
        self.refused.push((lease.key.id.clone(), lease.key.group.clone()));
    }

    /// Records that all replicas together have used up the daily quota of the lease's group.
    pub(super) fn spent(&mut self, lease: &Lease) {
        self.spent.push(lease.key.group.clone());
    }

    pub(super) fn has_spent(&self, key: &Key) -> bool {
        self.spent.contains(&key.group)
    }

    pub(super) fn holds(&self, key: &Key) -> bool {
        self.refused.iter().any(|(id, group)| *id == key.id || *group == key.group)
    }
}
