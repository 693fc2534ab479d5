//! A pool: configured keys over the ledger's states.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::Gate;
use super::key::{Key, KeyId};
use super::ledger::{Epochs, Ledger};
use super::selection::{Candidate, choose};
use super::settings::{CooldownSettings, PoolSettings, Selection};
use crate::clock::Moment;
use crate::environment::Environment;
use crate::error::Error;
use crate::fault::{Fault, Kind};
use crate::model::ModelName;
use crate::problem::Problems;
use crate::secret::Digest;

/// Keys that serve the same models.
#[derive(Debug)]
pub struct KeyPool {
    name: String,
    pub(super) keys: Vec<Arc<Key>>,
    selection: Selection,
    policy: Arc<CooldownSettings>,
    pub(super) ledger: Ledger,
}

impl KeyPool {
    /// Resolves and checks what is configured; problems are at `pools.NAME…`.
    pub fn prepare(
        name: &str,
        settings: &PoolSettings,
        cooldown: &CooldownSettings,
        environment: &Environment,
        ledger: &Ledger,
        problems: &mut Problems,
    ) -> Option<Self> {
        let place = format!("pools.{name}");
        let policy = cooldown.with(settings.cooldown.as_ref());
        policy.check(&format!("{place}.cooldown"), settings.cooldown.is_some(), problems);
        let keys = settings.resolve(&place, environment, problems)?;
        Some(Self {
            name: name.to_owned(),
            keys: keys.into_iter().map(Arc::new).collect(),
            selection: settings.selection,
            policy: policy.into(),
            ledger: ledger.clone(),
        })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A key for this model, none of those tried.
    ///
    /// # Errors
    /// Why there is none.
    pub fn lease(&self, model: &ModelName, tried: &Tried, now: Moment) -> Result<Lease, NoKey> {
        let mut books = self.ledger.books();
        let mut ready = Vec::with_capacity(self.keys.len());
        let mut none = NoKey::NotAllowed { model: model.clone() };
        for key in self.keys.iter().filter(|key| key.may_serve(model)) {
            match books.gate(key, model, now) {
                Gate::Open | Gate::Probe if tried.holds(key) => none = none.or(NoKey::AllTried),
                Gate::Open | Gate::Probe => {
                    let account = books.account(&key.id);
                    let candidate = Candidate {
                        in_flight: account.map_or(0, |account| account.in_flight),
                        weight: key.weight,
                        last_pick: account.map_or(0, |account| account.last_pick),
                    };
                    ready.push((key, candidate));
                }
                Gate::Closed { until, rest } => {
                    let soonest = until.saturating_sub(now.since_start);
                    none = none.or(NoKey::Resting { soonest, why: rest.why });
                }
                Gate::Dead(_) => none = none.or(NoKey::AllDead),
            }
        }
        let candidates: Vec<Candidate> = ready.iter().map(|(_, candidate)| *candidate).collect();
        let chosen = choose(self.selection, &candidates, &mut fastrand::Rng::new());
        let Some((key, _)) = chosen.and_then(|position| ready.get(position)) else { return Err(none) };
        let epochs = books.take(key, model, now);
        drop(books);
        Ok(Lease {
            key: Arc::clone(key),
            model: model.clone(),
            epochs,
            policy: self.policy.clone(),
            ledger: self.ledger.clone(),
            reported: false,
        })
    }

    /// A key that is not dead, whether it rests or not: for what spends no quota.
    pub fn any_usable(&self, now: Moment) -> Option<Arc<Key>> {
        let books = self.ledger.books();
        let alive = |key: &&Arc<Key>| {
            books.account(&key.id).is_none_or(|account| !matches!(account.breaker.gate(now.since_start), Gate::Dead(_)))
        };
        self.keys.iter().find(alive).cloned()
    }

    /// This pool with no key but this one: for what only this key can do.
    pub fn only(&self, id: &str) -> Option<Self> {
        let key = self.keys.iter().find(|key| key.id.as_str() == id)?;
        Some(Self {
            name: self.name.clone(),
            keys: vec![key.clone()],
            selection: self.selection,
            policy: self.policy.clone(),
            ledger: self.ledger.clone(),
        })
    }

    /// The key that this client's own things at Google are made with: always the same, as long as it is not dead. For what spends
    /// no quota.
    pub fn of_client(&self, client: &str, now: Moment) -> Option<Arc<Key>> {
        let books = self.ledger.books();
        let alive = |key: &&Arc<Key>| {
            books.account(&key.id).is_none_or(|account| !matches!(account.breaker.gate(now.since_start), Gate::Dead(_)))
        };
        // Another key added or taken away moves no client that it does not concern.
        let rank = |key: &&Arc<Key>| Digest::of(&format!("{client} {}", key.id)).hex(8);
        self.keys.iter().filter(alive).max_by_key(rank).cloned()
    }

    /// The keys whose id or text begins so.
    pub fn find(&self, prefix: &str) -> Vec<Arc<Key>> {
        let begins = |key: &&Arc<Key>| key.id.as_str().starts_with(prefix) || key.secret.expose().starts_with(prefix);
        self.keys.iter().filter(begins).cloned().collect()
    }
}

/// A key in use. Dropping it gives it back.
#[derive(Debug)]
pub struct Lease {
    key: Arc<Key>,
    model: ModelName,
    epochs: Epochs,
    policy: Arc<CooldownSettings>,
    ledger: Ledger,
    reported: bool,
}

impl Lease {
    /// Which.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// It was answered. A stream counts from its first content: it may last for minutes.
    pub fn succeeded(&mut self) {
        self.ledger.books().succeeded(&self.key, &self.model, self.epochs);
        self.reported = true;
    }

    /// It failed, by whosever fault.
    pub fn failed(&mut self, fault: &Fault, now: Moment) {
        self.ledger.books().failed(&self.key, &self.model, self.epochs, fault, now, &self.policy);
        self.reported = matches!(fault.blame, crate::fault::Blame::Key | crate::fault::Blame::Quota);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ledger.books().release(&self.key, &self.model, self.epochs, self.reported);
    }
}

/// Keys a request was tried on, and their quota groups: what one key of a group was refused, another is too.
#[derive(Clone, Debug, Default)]
pub struct Tried(Vec<(KeyId, Arc<str>)>);

impl Tried {
    /// This one too.
    pub fn add(&mut self, lease: &Lease) {
        self.0.push((lease.key.id.clone(), lease.key.group.clone()));
    }

    fn holds(&self, key: &Key) -> bool {
        self.0.iter().any(|(id, group)| *id == key.id || *group == key.group)
    }
}

/// Why there is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// No key may serve this model.
    NotAllowed {
        /// Which.
        model: ModelName,
    },
    /// All that may are dead.
    AllDead,
    /// All that can were tried.
    AllTried,
    /// All that can are resting.
    Resting {
        /// Until the first comes back.
        soonest: Duration,
        /// Why that one rests.
        why: Kind,
    },
}

impl NoKey {
    /// Whether there are keys, only that each was tried already.
    pub fn all_tried(&self) -> bool {
        *self == Self::AllTried
    }

    /// Of two reasons, the one that says more; of two rests, the sooner one.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Resting { soonest, why }, Self::Resting { soonest: other, why: others }) => {
                if other < soonest {
                    Self::Resting { soonest: other, why: others }
                } else {
                    Self::Resting { soonest, why }
                }
            }
            (Self::AllTried, _) | (_, Self::AllTried) => Self::AllTried,
            (resting @ Self::Resting { .. }, _) | (_, resting @ Self::Resting { .. }) => resting,
            (_, other) => other,
        }
    }

    /// As the client is told.
    pub fn into_error(self) -> Error {
        match self {
            Self::NotAllowed { model } => Error::model_not_found(model.as_str()),
            Self::AllDead => Error::from(&Fault::new(Kind::KeyBlocked, crate::fault::Blame::Key, "")),
            Self::AllTried => {
                Error::unavailable("upstream_error", "Every Gemini key was tried, and none could answer.")
            }
            Self::Resting { soonest, why: Kind::ModelNotForKey } => {
                let message = format!(
                    "No configured Gemini key has access to this model. It is asked for again in {}.",
                    spoken(soonest)
                );
                Error::not_found(message).param("model").code("model_not_found")
            }
            Self::Resting { soonest, why } => {
                let reason = match why {
                    Kind::DayQuota => "have used up their quota of the day",
                    Kind::Billing => "have no credit left",
                    _ => "are at their rate limit",
                };
                let message =
                    format!("All Gemini keys for this model {reason}. The first is back in {}.", spoken(soonest));
                Error::all_resting(message, soonest)
            }
        }
    }
}

/// Whole seconds, rounded up, in words.
fn spoken(rest: Duration) -> String {
    let seconds = rest.as_secs() + u64::from(rest.subsec_nanos() > 0);
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
