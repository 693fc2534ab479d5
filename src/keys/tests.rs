//! The pool against its promises, whatever happens in whatever order; time is passed in.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::clock::Moment;
use crate::environment::{Environment, SecretRef};
use crate::fault::{Blame, Fault, Kind};
use crate::keys::settings::{KeySettings, Selection};
use crate::model::ModelName;
use crate::problem::Problems;

const KEYS: usize = 4;

fn at(seconds: f64) -> Moment {
    let wall: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    Moment { since_start: Duration::ZERO, wall }.plus(Duration::from_secs_f64(seconds))
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

fn secret(number: usize) -> String {
    format!("gemini-key-{number}-0000000000000")
}

fn pool(ledger: &Ledger, keys: &[usize], selection: Selection) -> KeyPool {
    let keys = keys.iter().map(|number| KeySettings::from(SecretRef::parse(&secret(*number)))).collect();
    let settings = PoolSettings { keys, selection, cooldown: None };
    let mut problems = Problems::new();
    let cooldown = CooldownSettings::default();
    let pool = KeyPool::prepare("default", &settings, &cooldown, &Environment::default(), ledger, &mut problems);
    assert!(problems.is_empty(), "{problems}");
    pool.unwrap()
}

fn fault(kind: Kind, blame: Blame, hint: Option<f64>) -> Fault {
    Fault { retry_after: hint.map(Duration::from_secs_f64), ..Fault::new(kind, blame, "") }
}

fn minute(seconds: f64) -> Fault {
    fault(Kind::RateLimited, Blame::Quota, Some(seconds))
}

fn soonest(pool: &KeyPool, name: &str, now: Moment) -> Option<f64> {
    match pool.lease(&model(name), &Tried::default(), now) {
        Err(NoKey::Resting { soonest, .. }) => Some(soonest.as_secs_f64()),
        _ => None,
    }
}

#[test]
fn a_hint_is_kept_to_the_fraction_and_for_that_model_only() {
    let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
    pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap().failed(&minute(34.4), at(0.0));
    assert_eq!(soonest(&pool, "a", at(0.0)), Some(34.4));
    assert!(pool.lease(&model("b"), &Tried::default(), at(0.0)).is_ok());
    assert!(pool.lease(&model("a"), &Tried::default(), at(34.399)).is_err());
    let probe = pool.lease(&model("a"), &Tried::default(), at(34.4)).unwrap();
    assert!(pool.lease(&model("a"), &Tried::default(), at(34.4)).is_err(), "one probe at a time");
    drop(probe);
    assert!(
        pool.lease(&model("a"), &Tried::default(), at(34.5)).is_ok(),
        "a probe that was given back may be made again"
    );
}

#[test]
fn rests_without_a_hint_double_and_a_success_forgives() {
    let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
    let plain = fault(Kind::RateLimited, Blame::Quota, None);
    let mut now = 0.0;
    for expected in [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0] {
        pool.lease(&model("a"), &Tried::default(), at(now)).unwrap().failed(&plain, at(now));
        assert_eq!(soonest(&pool, "a", at(now)), Some(expected));
        now += expected;
    }
    pool.lease(&model("a"), &Tried::default(), at(now)).unwrap().succeeded();
    pool.lease(&model("a"), &Tried::default(), at(now)).unwrap().failed(&plain, at(now));
    assert_eq!(soonest(&pool, "a", at(now)), Some(5.0));
}

#[test]
fn a_burst_of_failures_is_one_strike() {
    let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
    let plain = fault(Kind::RateLimited, Blame::Quota, None);
    let mut leases: Vec<Lease> =
        (0..32).map(|_| pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap()).collect();
    std::thread::scope(|scope| {
        for lease in &mut leases {
            let plain = &plain;
            scope.spawn(move || lease.failed(plain, at(0.0)));
        }
    });
    assert_eq!(soonest(&pool, "a", at(0.0)), Some(5.0));
    drop(leases);
    assert_eq!(pool.status(at(0.0))[0].in_flight, 0);
}

#[test]
fn a_report_after_a_reset_counts_for_nothing() {
    let ledger = Ledger::default();
    let pool = pool(&ledger, &[1], Selection::LeastUsed);
    let mut late = pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap();
    pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap().failed(&minute(60.0), at(0.0));
    ledger.reset(&pool.keys[0]);
    late.failed(&minute(60.0), at(1.0));
    assert!(pool.lease(&model("a"), &Tried::default(), at(1.0)).is_ok());
}

#[test]
fn keys_of_one_project_rest_together() {
    let key = |number: usize, project: &str| KeySettings {
        project: Some(project.to_owned()),
        ..KeySettings::from(SecretRef::parse(&secret(number)))
    };
    let settings = PoolSettings { keys: vec![key(1, "p"), key(2, "p"), key(3, "q")], ..PoolSettings::default() };
    let pool = KeyPool::prepare(
        "x",
        &settings,
        &CooldownSettings::default(),
        &Environment::default(),
        &Ledger::default(),
        &mut Problems::new(),
    );
    let pool = pool.unwrap();
    let mut first = pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap();
    let mut tried = Tried::default();
    tried.add(&first);
    first.failed(&minute(60.0), at(0.0));
    let second = pool.lease(&model("a"), &tried, at(0.0)).unwrap();
    assert_eq!(second.key().project.as_deref(), Some("q"), "the other key of the project has no quota left either");
}

#[test]
fn placeholders_doubles_and_nothing_at_all_are_problems() {
    let prepare = |keys: Vec<KeySettings>| {
        let mut problems = Problems::new();
        let settings = PoolSettings { keys, ..PoolSettings::default() };
        KeyPool::prepare(
            "x",
            &settings,
            &CooldownSettings::default(),
            &Environment::default(),
            &Ledger::default(),
            &mut problems,
        );
        problems.to_string()
    };
    let key = |text: &str| KeySettings::from(SecretRef::parse(text));
    assert!(prepare(Vec::new()).contains("has no keys"));
    assert!(prepare(vec![key("your-gemini-key")]).contains("placeholder"));
    assert!(prepare(vec![key("env:NOT_SET")]).contains("set NOT_SET"));
    let twice = prepare(vec![key(&secret(1)), key(&secret(1))]);
    assert!(twice.contains("configured twice") && !twice.contains(&secret(1)), "{twice}");
}

/// What may happen to a pool.
#[derive(Clone, Debug)]
enum Event {
    Lease { model: usize },
    Succeed { lease: usize },
    Fail { lease: usize, kind: usize, hint: Option<u32> },
    GiveBack { lease: usize },
    Wait { seconds: u32 },
    Reset { key: usize },
    Reload { keys: Vec<usize> },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..2usize).prop_map(|model| Event::Lease { model }),
        2 => (0..8usize).prop_map(|lease| Event::Succeed { lease }),
        3 => (0..8usize, 0..KINDS.len(), prop::option::of(1..5000u32)).prop_map(|(lease, kind, hint)| Event::Fail { lease, kind, hint }),
        2 => (0..8usize).prop_map(|lease| Event::GiveBack { lease }),
        2 => (1..2000u32).prop_map(|seconds| Event::Wait { seconds }),
        1 => (0..KEYS).prop_map(|key| Event::Reset { key }),
        1 => prop::collection::btree_set(0..KEYS, 1..=KEYS).prop_map(|keys| Event::Reload { keys: keys.into_iter().collect() }),
    ]
}

const KINDS: &[(Kind, Blame)] = &[
    (Kind::RateLimited, Blame::Quota),
    (Kind::DayQuota, Blame::Quota),
    (Kind::KeyInvalid, Blame::Key),
    (Kind::Billing, Blame::Key),
    (Kind::BadRequest, Blame::Request),
    (Kind::Overloaded, Blame::Model),
    (Kind::Unreachable, Blame::Endpoint),
];

/// States without the counters, for comparing.
fn states(pool: &KeyPool, now: Moment) -> Vec<String> {
    pool.status(now).iter().map(|key| format!("{} {:?} {:?}", key.id, key.state, key.models)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Never a key that rests or is dead; never none while one is ready; never a state moved by what is nobody's key's fault;
    /// leases and counts always agree; a rest is never cut short but by a reset; a reload changes no state.
    #[test]
    fn the_pool_keeps_its_promises(events in prop::collection::vec(event(), 1..80)) {
        let ledger = Ledger::default();
        let mut configured: Vec<usize> = (0..KEYS).collect();
        let mut current = pool(&ledger, &configured, Selection::LeastUsed);
        let mut leases: Vec<Lease> = Vec::new();
        let mut now = 0.0;
        for event in events {
            let before = states(&current, at(now));
            match event {
                Event::Lease { model: number } => {
                    let name = model(["a", "b"][number]);
                    let gates: Vec<bool> = {
                        let books = ledger.books();
                        let open = |key: &std::sync::Arc<Key>| matches!(books.gate(key, &name, at(now)), breaker::Gate::Open | breaker::Gate::Probe);
                        current.keys.iter().map(open).collect()
                    };
                    match current.lease(&name, &Tried::default(), at(now)) {
                        Ok(lease) => {
                            let position = current.keys.iter().position(|key| key.id() == lease.key().id()).unwrap();
                            prop_assert!(gates[position], "a key that may not be used was given");
                            leases.push(lease);
                        }
                        Err(none) => {
                            prop_assert!(gates.iter().all(|open| !open), "{none:?} although a key is ready");
                            if let NoKey::Resting { soonest, .. } = none {
                                prop_assert!(!soonest.is_zero());
                                let later = at(now + soonest.as_secs_f64());
                                let books = ledger.books();
                                let ready = current.keys.iter().any(|key| matches!(books.gate(key, &name, later), breaker::Gate::Open | breaker::Gate::Probe));
                                prop_assert!(ready, "nothing is ready when it was said to be");
                            }
                        }
                    }
                }
                Event::Succeed { lease } if lease < leases.len() => leases[lease].succeeded(),
                Event::Fail { lease, kind, hint } if lease < leases.len() => {
                    let (kind, blame) = KINDS[kind];
                    leases[lease].failed(&fault(kind, blame, hint.map(f64::from)), at(now));
                    if !matches!(blame, Blame::Key | Blame::Quota) {
                        prop_assert_eq!(states(&current, at(now)), before);
                    }
                }
                Event::GiveBack { lease } if lease < leases.len() => drop(leases.swap_remove(lease)),
                Event::Wait { seconds } => now += f64::from(seconds),
                Event::Reset { key } => {
                    if let Some(key) = current.keys.get(key) {
                        ledger.reset(key);
                        prop_assert!(ledger.books().gate(key, &model("a"), at(now)) == breaker::Gate::Open);
                    }
                }
                Event::Reload { keys } => {
                    let next = pool(&ledger, &keys, Selection::LeastUsed);
                    let kept = states(&next, at(now));
                    prop_assert!(before.iter().filter(|state| kept.iter().any(|other| other[..12] == state[..12])).all(|state| kept.contains(state)));
                    (current, configured) = (next, keys);
                }
                _ => {}
            }
            let in_flight: u32 = (0..KEYS).map(|number| {
                let id = KeyId::of(&crate::secret::Secret::new(&secret(number)));
                ledger.books().account(&id).map_or(0, |account| account.in_flight)
            }).sum();
            prop_assert_eq!(usize::try_from(in_flight).unwrap(), leases.len());
            prop_assert_eq!(current.keys.len(), configured.len());
        }
    }

    /// Every policy is fair to equal keys: each is taken within two rounds.
    #[test]
    fn no_key_starves(rounds in 1..6usize, policy in prop_oneof![Just(Selection::LeastUsed), Just(Selection::RoundRobin)]) {
        let pool = pool(&Ledger::default(), &[0, 1, 2, 3], policy);
        for _ in 0..rounds {
            let taken: std::collections::BTreeSet<KeyId> =
                (0..2 * KEYS).map(|_| pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap().key().id().clone()).collect();
            prop_assert_eq!(taken.len(), KEYS);
        }
    }

    /// No hint, however absurd, breaks the arithmetic or lasts beyond a day of 25 hours.
    #[test]
    fn absurd_hints_are_bounded(hint in prop_oneof![0.001..1e18f64, Just(f64::from(u32::MAX))]) {
        let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
        pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap().failed(&minute(hint), at(0.0));
        let rest = soonest(&pool, "a", at(0.0)).unwrap();
        prop_assert!(rest <= 25.0 * 3600.0 + 1.0);
    }
}

#[test]
fn weight_is_the_share_of_the_work() {
    let key =
        |number: usize, weight: u32| KeySettings { weight, ..KeySettings::from(SecretRef::parse(&secret(number))) };
    for selection in [Selection::Weighted, Selection::LeastUsed] {
        let settings = PoolSettings { keys: vec![key(1, 3), key(2, 1)], selection, cooldown: None };
        let pool = KeyPool::prepare(
            "x",
            &settings,
            &CooldownSettings::default(),
            &Environment::default(),
            &Ledger::default(),
            &mut Problems::new(),
        );
        let pool = pool.unwrap();
        // Held, as by requests under way: least used goes by what is in flight.
        let leases: Vec<Lease> =
            (0..400).map(|_| pool.lease(&model("a"), &Tried::default(), at(0.0)).unwrap()).collect();
        let heavy = leases.iter().filter(|lease| lease.key().weight == 3).count();
        assert!((230..=370).contains(&heavy), "{selection:?}: {heavy} of 400");
    }
}
