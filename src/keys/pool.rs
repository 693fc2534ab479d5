//! A key pool: configured keys, with their state in the ledger.

use std::sync::Arc;

use tokio::sync::futures::Notified;

use super::claim;
use super::core::{Availability, Books, Event, Gate, Policy, Taking};
use super::key::Key;
use super::lease::{Lease, Tried};
use super::ledger::{Inner, Ledger};
use super::no_key::{A_MOMENT, NoKey};
use super::selection::{Candidate, affine, choose};
use super::settings::{CooldownSettings, PoolSettings, Selection};
use crate::clock::Moment;
use crate::environment::Environment;
use crate::fault::{Fault, Kind};
use crate::model::ModelName;
use crate::pacific::until_midnight;
use crate::problem::Problems;
use crate::secret::Digest;

/// A request for a key.
#[derive(Clone, Copy, Debug)]
pub struct LeaseRequest<'a> {
    /// The model the key is needed for.
    pub model: &'a ModelName,
    /// Keys and quota groups this request has already tried.
    pub tried: &'a Tried,
    /// Identifies the conversation, if its requests should stay on one key.
    pub affinity: Option<u64>,
    /// Whether to wait rather than use a quota group that other requests are already trying.
    pub may_wait: bool,
}

/// Keys that serve the same models.
#[derive(Debug)]
pub struct KeyPool {
    name: String,
    pub(super) keys: Vec<Arc<Key>>,
    selection: Selection,
    affinity: bool,
    policy: Arc<Policy>,
    pub(super) ledger: Ledger,
}

impl KeyPool {
    /// Resolves and validates the configured keys. Problems are reported at `pools.NAME…`.
    pub fn prepare(
        name: &str,
        settings: &PoolSettings,
        cooldown: &CooldownSettings,
        environment: &Environment,
        ledger: &Ledger,
        problems: &mut Problems,
    ) -> Option<Self> {
        let place = format!("pools.{name}");
        let cooldown = cooldown.with(settings.cooldown.as_ref());
        cooldown.check(&format!("{place}.cooldown"), settings.cooldown.is_some(), problems);
        let keys = settings.resolve(&place, environment, problems)?;
        Some(Self {
            name: name.to_owned(),
            keys: keys.into_iter().map(Arc::new).collect(),
            selection: settings.selection,
            affinity: settings.affinity,
            policy: Policy::from(&cooldown).into(),
            ledger: ledger.clone(),
        })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its keys.
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// Whether the requests of a conversation should stay on one key.
    pub fn wants_affinity(&self) -> bool {
        self.affinity
    }

    /// Leases a key for this model, from a quota group that has not been tried.
    ///
    /// # Errors
    /// Returns why no key is available.
    pub fn lease(&self, ask: &LeaseRequest<'_>, now: Moment) -> Result<Lease, NoKey> {
        let LeaseRequest { model, tried, affinity, may_wait } = *ask;
        let mut inner = self.ledger.lock();
        let Inner { books, chance, .. } = &mut *inner;
        if let Some(none) = overloaded(books.model_gate(model, now.since_start), now) {
            return Err(none);
        }
        let (mut ready, none) = self.ready(books, model, tried, now);
        if ready.iter().all(|(_, look)| look.being_tried) {
            let first = ready.first().map(|(key, _)| &key.group);
            if may_wait && ready.iter().any(|(key, _)| Some(&key.group) != first) {
                return Err(NoKey::BeingTried);
            }
        } else {
            ready.retain(|(_, look)| !look.being_tried);
        }
        let candidates: Vec<Candidate> = ready.iter().map(|(key, look)| candidate(key, look)).collect();
        let kin = affinity.and_then(|number| affine::choose(number, ready.iter().map(|(key, _)| &key.id), &candidates));
        let chosen = kin.or_else(|| choose(self.selection, &candidates, chance));
        let Some((key, _)) = chosen.and_then(|position| ready.get(position)) else { return Err(none) };
        let Taking { epochs, used, probes } = books.take(key, model, now, &self.policy);
        let claim = claim::wanted(key, model, &used, probes, &self.policy);
        // If the other replicas must agree first, the usage is published only once they have.
        let untold = claim.is_some().then(|| used.clone());
        if untold.is_none() {
            inner.publish(&[Event::Used(used)]);
        }
        drop(inner);
        Ok(Lease {
            key: Arc::clone(key),
            model: model.clone(),
            epochs,
            policy: self.policy.clone(),
            ledger: self.ledger.clone(),
            claim,
            untold,
            held: None,
            at: now,
            tokens: (0, 0),
            reported: false,
        })
    }

    /// Completes when a lease has been reported on or returned, so that a caller that found no key can try again.
    pub fn news(&self) -> Notified<'_> {
        self.ledger.news()
    }

    /// The ready keys, and the reason to report if there are none.
    fn ready<'a>(
        &'a self,
        books: &mut Books,
        model: &ModelName,
        tried: &Tried,
        now: Moment,
    ) -> (Vec<(&'a Arc<Key>, Availability)>, NoKey) {
        let today = books.today(now);
        let mut ready = Vec::with_capacity(self.keys.len());
        let mut none = NoKey::NotAllowed { model: model.clone() };
        for key in self.keys.iter().filter(|key| key.may_serve(model)) {
            let look = books.availability(key, model, now, today);
            match look.gate {
                Gate::Open | Gate::Probe if tried.has_spent(key) => {
                    none = none.or(NoKey::CoolingDown { soonest: until_midnight(now), why: Kind::DayQuota });
                }
                Gate::Open | Gate::Probe if tried.holds(key) => none = none.or(NoKey::AllTried),
                Gate::Open | Gate::Probe => ready.push((key, look)),
                Gate::Closed { until, why } => {
                    none = none.or(NoKey::CoolingDown { soonest: until.saturating_sub(now.since_start), why });
                }
                Gate::Busy(why) => none = none.or(NoKey::Recovering { why }),
                Gate::Dead(_) | Gate::Disabled => none = none.or(NoKey::AllDead),
            }
        }
        (ready, none)
    }

    /// The keys that are neither dead nor disabled, including those cooling down: for resource requests, which spend no
    /// quota.
    pub fn usable(&self, now: Moment) -> Vec<Arc<Key>> {
        let inner = self.ledger.lock();
        let alive = |key: &&Arc<Key>| {
            let gate = inner.books.account(&key.id).map(|account| account.breaker.gate(now.since_start));
            !matches!(gate, Some(Gate::Dead(_) | Gate::Disabled))
        };
        self.keys.iter().filter(alive).cloned().collect()
    }

    /// Books a failed resource request against its key, when the key itself is to blame: such a request shows the same
    /// about the key as a model request would.
    pub fn refused(&self, key: &Key, fault: &Fault, now: Moment) {
        let mut inner = self.ledger.lock();
        let chance = inner.chance.f64();
        let event = inner.books.refused(key, fault, now, &self.policy, chance);
        inner.publish(event.as_slice());
        drop(inner);
        self.ledger.is_news();
    }

    /// This pool reduced to a single key, for requests that only this key can serve.
    pub fn only(&self, id: &str) -> Option<Self> {
        let key = self.keys.iter().find(|key| key.id.as_str() == id)?;
        Some(Self {
            name: self.name.clone(),
            keys: vec![key.clone()],
            selection: self.selection,
            affinity: false,
            policy: self.policy.clone(),
            ledger: self.ledger.clone(),
        })
    }

    /// The keys that are neither dead nor disabled, in this client's order of preference for creating its resources at
    /// Google: the same key comes first for as long as Google accepts it. For requests that spend no quota.
    pub fn for_client(&self, client: &str, now: Moment) -> Vec<Arc<Key>> {
        let mut keys = self.usable(now);
        // Rendezvous hashing: adding or removing a key moves only the clients that prefer it.
        keys.sort_by_cached_key(|key| std::cmp::Reverse(Digest::of(&format!("{client} {}", key.id)).hex(8)));
        keys
    }

    /// The keys whose id or text starts with `prefix`.
    pub fn find(&self, prefix: &str) -> Vec<Arc<Key>> {
        let begins = |key: &&Arc<Key>| key.id.as_str().starts_with(prefix) || key.secret.expose().starts_with(prefix);
        self.keys.iter().filter(begins).cloned().collect()
    }
}

/// A key as the selection policies see it.
fn candidate(key: &Key, look: &Availability) -> Candidate {
    Candidate { in_flight: look.in_flight, weight: key.weight, last_pick: look.last_pick }
}

/// The reason to report if the model itself is overloaded, regardless of the key.
fn overloaded(gate: Gate, now: Moment) -> Option<NoKey> {
    let soonest = match gate {
        Gate::Closed { until, .. } => until.saturating_sub(now.since_start),
        Gate::Busy(_) => A_MOMENT,
        Gate::Open | Gate::Probe | Gate::Dead(_) | Gate::Disabled => return None,
    };
    Some(NoKey::Overloaded { soonest })
}
