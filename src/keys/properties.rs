//! The pool as a whole, under events in any order: reloads, requests that move from key to key, clocks that jump.

use std::collections::HashSet;
use std::time::Duration;

use jiff::ToSpan;
use proptest::prelude::*;

use super::core::Gate;
use super::*;
use crate::clock::Moment;
use crate::environment::{Environment, SecretRef};
use crate::fault::{Blame, Fault, Kind};
use crate::keys::settings::KeySettings;
use crate::model::ModelName;
use crate::problem::Problems;

const KEYS: usize = 6;
const MODELS: [&str; 2] = ["a", "b"];

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

fn start() -> Moment {
    Moment { since_start: Duration::ZERO, wall: "2026-11-24T12:00:00Z".parse().unwrap() }
}

fn minute(seconds: f64) -> Fault {
    let hint = Some(Duration::from_secs_f64(seconds));
    Fault { retry_after: hint, ..Fault::new(Kind::RateLimited, Blame::Quota, "") }
}

/// Keys two and three belong to one project.
fn pool(ledger: &Ledger, numbers: &[usize]) -> KeyPool {
    let key = |number: &usize| KeySettings {
        project: matches!(number, 2 | 3).then(|| "p".to_owned()),
        ..KeySettings::from(SecretRef::parse(&format!("gemini-key-{number}-0000000000000")))
    };
    let settings = PoolSettings { keys: numbers.iter().map(key).collect(), ..PoolSettings::default() };
    let mut problems = Problems::new();
    let cooldown = CooldownSettings::default();
    let pool = KeyPool::prepare("default", &settings, &cooldown, &Environment::default(), ledger, &mut problems);
    pool.unwrap_or_else(|| panic!("{problems}"))
}

fn take(pool: &KeyPool, name: &str, tried: &Tried, now: Moment) -> Result<Lease, NoKey> {
    pool.lease(&LeaseRequest { model: &model(name), tried, affinity: None, may_wait: false }, now)
}

#[derive(Clone, Debug)]
enum Happens {
    /// A request that this many keys reject, and the next one answers.
    Request {
        model: usize,
        refusals: usize,
        hint: f64,
    },
    Begins {
        model: usize,
    },
    Fails {
        lease: usize,
        kind: usize,
    },
    Answered {
        lease: usize,
    },
    Ends {
        lease: usize,
    },
    Wait {
        milliseconds: u64,
    },
    Reload {
        keys: Vec<usize>,
    },
}

const FAULTS: [(Kind, Blame); 5] = [
    (Kind::RateLimited, Blame::Quota),
    (Kind::DayQuota, Blame::Quota),
    (Kind::KeyInvalid, Blame::Key),
    (Kind::Overloaded, Blame::Model),
    (Kind::BadRequest, Blame::Request),
];

fn happens() -> impl Strategy<Value = Happens> {
    let keys = Just((0..KEYS).collect::<Vec<_>>()).prop_shuffle();
    let reload = (keys, 1..=KEYS).prop_map(|(keys, count)| Happens::Reload { keys: keys[..count].to_vec() });
    prop_oneof![
        3 => (0..2usize, 0..8usize, 0.1..100.0).prop_map(|(model, refusals, hint)| Happens::Request { model, refusals, hint }),
        4 => (0..2usize).prop_map(|model| Happens::Begins { model }),
        3 => (0..6usize, 0..FAULTS.len()).prop_map(|(lease, kind)| Happens::Fails { lease, kind }),
        3 => (0..6usize).prop_map(|lease| Happens::Answered { lease }),
        3 => (0..6usize).prop_map(|lease| Happens::Ends { lease }),
        3 => prop_oneof![1..60_000u64, Just(86_400_000)].prop_map(|milliseconds| Happens::Wait { milliseconds }),
        2 => reload,
    ]
}

struct World {
    ledger: Ledger,
    pool: KeyPool,
    leases: Vec<Lease>,
    now: Moment,
}

impl World {
    /// The gate of each key for each model.
    fn gates(&self) -> Vec<(KeyId, &'static str, Gate)> {
        let mut kept = self.ledger.lock();
        let today = kept.books.today(self.now);
        let gates = self.pool.keys().iter().flat_map(|key| MODELS.map(|name| (key, name)));
        let gate = |(key, name): (&std::sync::Arc<Key>, &'static str)| {
            (key.id().clone(), name, kept.books.availability(key, &model(name), self.now, today).gate)
        };
        let mut gates: Vec<_> = gates.map(gate).collect();
        gates.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        gates
    }

    fn happen(&mut self, event: &Happens) -> Result<(), TestCaseError> {
        match event {
            Happens::Request { model, refusals, hint } => return self.request(MODELS[*model], *refusals, *hint),
            Happens::Begins { model } => {
                self.leases.extend(take(&self.pool, MODELS[*model], &Tried::default(), self.now))
            }
            Happens::Fails { lease, kind } => {
                let (kind, blame) = FAULTS[*kind];
                if let Some(lease) = self.leases.get_mut(*lease) {
                    lease.failed(&Fault::new(kind, blame, ""), self.now);
                }
            }
            Happens::Answered { lease } => {
                if let Some(lease) = self.leases.get_mut(*lease) {
                    lease.succeeded(self.now);
                }
            }
            Happens::Ends { lease } => drop((*lease < self.leases.len()).then(|| self.leases.swap_remove(*lease))),
            Happens::Wait { milliseconds } => self.now = self.now.plus(Duration::from_millis(*milliseconds)),
            Happens::Reload { keys } => return self.reload(keys),
        }
        Ok(())
    }

    /// I13: a request never returns to a quota group that has rejected it.
    fn request(&mut self, name: &str, refusals: usize, hint: f64) -> Result<(), TestCaseError> {
        let (mut tried, mut groups) = (Tried::default(), HashSet::new());
        for _ in 0..refusals {
            let Ok(mut lease) = take(&self.pool, name, &tried, self.now) else { break };
            prop_assert!(groups.insert(lease.key().group.clone()), "a group was asked twice");
            lease.failed(&minute(hint), self.now);
            tried.add(&lease, &minute(hint));
        }
        if let Ok(mut lease) = take(&self.pool, name, &tried, self.now) {
            prop_assert!(!groups.contains(&lease.key().group));
            lease.succeeded(self.now);
        }
        Ok(())
    }

    /// I11, I12: keys that remain keep their state, in whatever order; keys that were removed are never chosen; a
    /// reload without changes changes nothing.
    fn reload(&mut self, keys: &[usize]) -> Result<(), TestCaseError> {
        let before = self.gates();
        self.pool = pool(&self.ledger, keys);
        let after = self.gates();
        for (id, name, gate) in &before {
            if let Some((.., now)) = after.iter().find(|(other, model, _)| other == id && model == name) {
                prop_assert_eq!(now, gate, "{} for {}", id, name);
            }
        }
        self.pool = pool(&self.ledger, keys);
        prop_assert_eq!(self.gates(), after);
        Ok(())
    }

    /// I1, I2: a key is found exactly when one is ready, and it is one of those.
    fn check(&mut self) -> Result<(), TestCaseError> {
        for name in MODELS {
            let ready: Vec<KeyId> = {
                let all = self.gates().into_iter().filter(|(_, model, gate)| *model == name && gate.lets_through());
                all.map(|(id, ..)| id).collect()
            };
            let open = self.ledger.lock().books.model_gate(&model(name), self.now.since_start).lets_through();
            match take(&self.pool, name, &Tried::default(), self.now) {
                Ok(lease) => prop_assert!(open && ready.contains(lease.key().id())),
                Err(none) => prop_assert!(!open || ready.is_empty(), "{:?}, and yet {:?} are ready", none, ready),
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_pool_keeps_its_promises(events in prop::collection::vec(happens(), 1..80)) {
        let ledger = Ledger::seeded(1);
        let pool = pool(&ledger, &[0, 1, 2, 3, 4, 5]);
        let mut world = World { ledger, pool, leases: Vec::new(), now: start() };
        for event in &events {
            world.happen(event)?;
            world.check()?;
        }
    }

    /// I13: in whatever order requests begin and end, no more of them may retry than the budget allows at that time.
    #[test]
    fn retries_keep_to_the_budget(events in prop::collection::vec((0..3usize, 0..40usize), 1..300)) {
        let budget = RetryBudget::default();
        let mut active: Vec<(Active, bool)> = Vec::new();
        for (what, which) in events {
            match what {
                0 => active.push((budget.begin(&model("a")), false)),
                1 => {
                    let retrying = active.iter().filter(|(_, retrying)| *retrying).count();
                    let room = retrying < 3.max(active.len() / 5);
                    if let Some((one, retries)) = active.get_mut(which) {
                        let expected = *retries || room;
                        prop_assert_eq!(one.may_retry(), expected);
                        *retries = expected;
                    }
                }
                _ => drop((which < active.len()).then(|| active.swap_remove(which))),
            }
        }
    }
}

/// Twenty keys whose cooldowns end together do not return at full strength: each gets one request, then two.
#[test]
fn keys_come_back_one_by_one() {
    let ledger = Ledger::default();
    let pool = pool(&ledger, &(10..30).collect::<Vec<_>>());
    let later = start().plus(Duration::from_secs(60));
    let none = Tried::default();
    let rush = |now| -> Vec<Lease> { (0..200).map_while(|_| take(&pool, "a", &none, now).ok()).collect() };
    for _ in 0..20 {
        take(&pool, "a", &none, start()).unwrap().failed(&minute(60.0), start());
    }
    assert!(rush(start()).is_empty());
    for expected in [20, 40, 80] {
        let mut leases = rush(later);
        assert_eq!(leases.len(), expected);
        // One answer per key, so that each ramp is widened once.
        let mut answered = HashSet::new();
        for lease in &mut leases {
            if answered.insert(lease.key().id().clone()) {
                lease.succeeded(later);
            }
        }
    }
}

/// Five failures in a row block a model; so do more failures than successes, among at least ten attempts within half a
/// minute.
#[test]
fn a_model_that_fails_more_often_than_not_is_left_alone() {
    let attempts = |pattern: &str, apart: f64| {
        let pool = pool(&Ledger::default(), &[0]);
        let overloaded = Fault::new(Kind::Overloaded, Blame::Model, "");
        let mut now = start();
        for (number, letter) in pattern.chars().cycle().take(40).enumerate() {
            let Ok(mut lease) = take(&pool, "a", &Tried::default(), now) else { return Some(number) };
            if letter == 'x' {
                lease.failed(&overloaded, now);
            } else {
                lease.succeeded(now);
            }
            now = now.plus(Duration::from_secs_f64(apart));
        }
        None
    };
    assert_eq!(attempts("x", 0.1), Some(5));
    assert_eq!(attempts("xxx.", 0.1), Some(10));
    assert_eq!(attempts("x..", 0.1), None, "a third of them is not more than half");
    assert_eq!(attempts("xxx.", 5.0), None, "too few at a time to say");
}

/// The wall clock is set, or corrected: cooldowns follow the monotonic clock, and daily usage follows the wall clock.
#[test]
fn a_clock_that_jumps_changes_no_rest() {
    let ledger = Ledger::default();
    let pool = pool(&ledger, &[0]);
    let none = Tried::default();
    let jumped = |seconds: u64, hours: i64| {
        let moment = start().plus(Duration::from_secs(seconds));
        Moment { wall: moment.wall + hours.hours(), ..moment }
    };
    take(&pool, "a", &none, start()).unwrap().failed(&minute(60.0), start());
    for hours in [-1, 0, 1, 100] {
        assert!(take(&pool, "a", &none, jumped(59, hours)).is_err());
    }
    drop(take(&pool, "a", &none, jumped(60, -1)).unwrap());
    let today = |now: Moment| pool.status(now)[0].models["a"].today.requests;
    assert_eq!(today(jumped(60, 0)), 2);
    // On a day that was over already, nothing is counted twice and nothing is lost.
    drop(take(&pool, "a", &none, jumped(61, -48)).unwrap());
    assert_eq!(today(jumped(62, 0)), 2);
}
