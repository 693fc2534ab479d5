//! The policies that are compared: ours, on the real pool, and the rules of two other projects, as implemented in their
//! code (read in August 2026).

use std::collections::HashMap;
use std::time::Duration;

use super::google::Refusal;
use super::{Request, Terms};
use crate::clock::Moment;
use crate::environment::{Environment, SecretRef};
use crate::keys::settings::{CooldownSettings, KeySettings, PoolSettings, Selection};
use crate::keys::{KeyPool, Lease, LeaseRequest, Ledger, Tried};
use crate::model::ModelName;
use crate::problem::Problems;

/// A policy with its name.
pub struct PolicyRow {
    /// Its name.
    pub name: &'static str,
    pub(super) make: fn(&Terms) -> Box<dyn Policy>,
}

/// All policies that are compared.
pub const POLICIES: &[PolicyRow] = &[
    PolicyRow { name: "least_used", make: |terms| Box::new(Ours::new(terms, Selection::LeastUsed)) },
    PolicyRow { name: "round_robin", make: |terms| Box::new(Ours::new(terms, Selection::RoundRobin)) },
    PolicyRow { name: "gemini-balance", make: |terms| Box::new(BenchAfterErrors::new(terms)) },
    PolicyRow { name: "CLIProxyAPI", make: |terms| Box::new(DoublingCooldown::new(terms)) },
];

/// A key, or no key before this time.
pub(super) enum Chosen {
    Key(usize),
    Wait(Duration),
}

/// How keys are chosen, and how rejections are handled.
pub(super) trait Policy {
    /// A request begins, or begins again after a wait.
    fn begins(&mut self, request: usize);
    /// Chooses the next key of a request.
    fn choose(&mut self, number: usize, request: &Request, now: Duration) -> Chosen;
    /// The request is answered.
    fn answered(&mut self, number: usize, key: usize, request: &Request, now: Duration);
    /// The request is rejected.
    fn refused(&mut self, number: usize, key: usize, request: &Request, refusal: &Refusal, now: Duration);
    /// The answer to the request is complete.
    fn ended(&mut self, number: usize);
}

/// The pool of this program.
struct Ours {
    pool: KeyPool,
    positions: HashMap<String, usize>,
    leases: HashMap<usize, Lease>,
    tried: Tried,
}

impl Ours {
    fn new(terms: &Terms, selection: Selection) -> Self {
        let key = |number: usize| KeySettings {
            project: Some((number % terms.projects).to_string()),
            ..KeySettings::from(SecretRef::parse(&format!("key-of-a-trial-{number:06}")))
        };
        let settings = PoolSettings { keys: (0..terms.keys).map(key).collect(), selection, ..PoolSettings::default() };
        let pool = KeyPool::prepare(
            "trial",
            &settings,
            &CooldownSettings::default(),
            &Environment::default(),
            &Ledger::seeded(terms.seed),
            &mut Problems::new(),
        );
        let pool = pool.expect("keys that were just made are keys");
        let ids = pool.keys().iter().enumerate();
        let positions = ids.map(|(number, key)| (key.id().to_string(), number)).collect();
        Self { pool, positions, leases: HashMap::new(), tried: Tried::default() }
    }

    /// Trials begin at midnight in Los Angeles, on a day of 24 hours.
    fn moment(now: Duration) -> Moment {
        let midnight = Moment { since_start: Duration::ZERO, wall: jiff::Timestamp::constant(1_795_593_600, 0) };
        midnight.plus(now)
    }
}

impl Policy for Ours {
    fn begins(&mut self, _: usize) {
        self.tried = Tried::default();
    }

    fn choose(&mut self, number: usize, request: &Request, now: Duration) -> Chosen {
        let ask = LeaseRequest { model: &request.model, tried: &self.tried, affinity: None, may_wait: false };
        match self.pool.lease(&ask, Self::moment(now)) {
            Ok(lease) => {
                let key = self.positions.get(lease.key().id().as_str()).copied().unwrap_or_default();
                self.leases.insert(number, lease);
                Chosen::Key(key)
            }
            Err(none) => Chosen::Wait(now.saturating_add(none.soonest().unwrap_or(Duration::MAX))),
        }
    }

    fn answered(&mut self, number: usize, _: usize, _: &Request, now: Duration) {
        if let Some(lease) = self.leases.get_mut(&number) {
            lease.succeeded(Self::moment(now));
        }
    }

    fn refused(&mut self, number: usize, _: usize, _: &Request, refusal: &Refusal, now: Duration) {
        if let Some(mut lease) = self.leases.remove(&number) {
            lease.failed(&refusal.fault, Self::moment(now));
            self.tried.add(&lease, &refusal.fault);
        }
    }

    fn ended(&mut self, number: usize) {
        self.leases.remove(&number);
    }
}

/// gemini-balance: round robin; each key has an error count that success does not lower; at three errors it is out of
/// use, for every model, until an hourly check finds that it works; when all are out of use, one is used anyway.
struct BenchAfterErrors {
    errors: Vec<u32>,
    next: usize,
    looked: Duration,
}

const BENCHED_AT: u32 = 3;
const LOOK: Duration = Duration::from_secs(3600);

impl BenchAfterErrors {
    fn new(terms: &Terms) -> Self {
        Self { errors: vec![0; terms.keys], next: 0, looked: Duration::ZERO }
    }
}

impl Policy for BenchAfterErrors {
    fn begins(&mut self, _: usize) {}

    fn choose(&mut self, _: usize, _: &Request, now: Duration) -> Chosen {
        if now.saturating_sub(self.looked) >= LOOK {
            // In its favour: every check finds that the key works, and costs nothing.
            self.errors.fill(0);
            self.looked = now;
        }
        let count = self.errors.len();
        let turn = (self.next..self.next + count).map(|number| number % count);
        let key = turn.clone().find(|key| self.errors[*key] < BENCHED_AT).unwrap_or(self.next % count);
        self.next = key + 1;
        Chosen::Key(key)
    }

    fn answered(&mut self, _: usize, _: usize, _: &Request, _: Duration) {}

    fn refused(&mut self, _: usize, key: usize, _: &Request, _: &Refusal, _: Duration) {
        self.errors[key] += 1;
    }

    fn ended(&mut self, _: usize) {}
}

/// CLIProxyAPI: round robin; a key cools down for a model for 1 s, doubling up to 30 min, whatever Gemini's answer
/// says; success clears it.
struct DoublingCooldown {
    keys: usize,
    next: usize,
    rests: HashMap<(usize, ModelName), (Duration, u32)>,
}

const LONGEST: Duration = Duration::from_secs(30 * 60);

impl DoublingCooldown {
    fn new(terms: &Terms) -> Self {
        Self { keys: terms.keys, next: 0, rests: HashMap::new() }
    }

    fn until(&self, key: usize, request: &Request) -> Duration {
        self.rests.get(&(key, request.model.clone())).map_or(Duration::ZERO, |(until, _)| *until)
    }
}

impl Policy for DoublingCooldown {
    fn begins(&mut self, _: usize) {}

    fn choose(&mut self, _: usize, request: &Request, now: Duration) -> Chosen {
        let mut turn = (self.next..self.next + self.keys).map(|number| number % self.keys);
        if let Some(key) = turn.find(|key| self.until(*key, request) <= now) {
            self.next = key + 1;
            return Chosen::Key(key);
        }
        Chosen::Wait((0..self.keys).map(|key| self.until(key, request)).min().unwrap_or(Duration::MAX))
    }

    fn answered(&mut self, _: usize, key: usize, request: &Request, _: Duration) {
        self.rests.remove(&(key, request.model.clone()));
    }

    fn refused(&mut self, _: usize, key: usize, request: &Request, _: &Refusal, now: Duration) {
        let (until, times) = self.rests.entry((key, request.model.clone())).or_default();
        *until = now.saturating_add(Duration::from_secs(1).saturating_mul(2u32.saturating_pow(*times)).min(LONGEST));
        *times += 1;
    }

    fn ended(&mut self, _: usize) {}
}
