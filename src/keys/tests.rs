//! The pool against its guarantees, under events in any order; time is passed in.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::clock::Moment;
use crate::environment::{Environment, SecretRef};
use crate::fault::{Blame, Fault, Kind};
use crate::keys::settings::{KeySettings, LimitsSettings, Selection};
use crate::model::ModelName;
use crate::problem::Problems;
use crate::store::{BreakerState, Observer, Used};

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
    prepared(ledger, PoolSettings { keys, selection, ..PoolSettings::default() })
}

fn prepared(ledger: &Ledger, settings: PoolSettings) -> KeyPool {
    let mut problems = Problems::new();
    let cooldown = CooldownSettings::default();
    let pool = KeyPool::prepare("default", &settings, &cooldown, &Environment::default(), ledger, &mut problems);
    assert!(problems.is_empty(), "{problems}");
    pool.unwrap()
}

fn take(pool: &KeyPool, name: &str, now: Moment) -> Result<Lease, NoKey> {
    pool.lease(&LeaseRequest { model: &model(name), tried: &Tried::default(), affinity: None, may_wait: false }, now)
}

fn fault(kind: Kind, blame: Blame, hint: Option<f64>) -> Fault {
    Fault { retry_after: hint.map(Duration::from_secs_f64), ..Fault::new(kind, blame, "") }
}

fn minute(seconds: f64) -> Fault {
    fault(Kind::RateLimited, Blame::Quota, Some(seconds))
}

fn soonest(pool: &KeyPool, name: &str, now: Moment) -> Option<f64> {
    match take(pool, name, now) {
        Err(NoKey::CoolingDown { soonest, .. }) => Some(soonest.as_secs_f64()),
        _ => None,
    }
}

#[test]
fn a_hint_is_kept_to_the_fraction_and_for_that_model_only() {
    let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
    take(&pool, "a", at(0.0)).unwrap().failed(&minute(34.4), at(0.0));
    assert_eq!(soonest(&pool, "a", at(0.0)), Some(34.4));
    assert!(take(&pool, "b", at(0.0)).is_ok());
    assert!(take(&pool, "a", at(34.399)).is_err());
    let probe = take(&pool, "a", at(34.4)).unwrap();
    assert!(take(&pool, "a", at(34.4)).is_err(), "one probe at a time");
    drop(probe);
    assert!(take(&pool, "a", at(34.5)).is_ok(), "a probe that was given back may be made again");
}

#[test]
fn rests_without_a_hint_double_and_are_forgotten_in_time() {
    let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
    let plain = fault(Kind::RateLimited, Blame::Quota, None);
    let mut now = 0.0;
    let rest = |now: f64| {
        take(&pool, "a", at(now)).unwrap().failed(&plain, at(now));
        soonest(&pool, "a", at(now)).unwrap()
    };
    for expected in [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0] {
        let rest = rest(now);
        assert!((expected..=expected * 1.1).contains(&rest), "{rest} instead of {expected}");
        now += rest;
    }
    // One strike is forgotten for every ten minutes without another; a long enough time forgets all.
    assert!(rest(now + 7.0 * 600.0) < 5.0 * 16.0);
    assert!(rest(now + 100.0 * 600.0) <= 5.5);
}

#[test]
fn a_burst_of_failures_is_one_strike() {
    let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
    let plain = fault(Kind::RateLimited, Blame::Quota, None);
    let mut leases: Vec<Lease> = (0..32).map(|_| take(&pool, "a", at(0.0)).unwrap()).collect();
    std::thread::scope(|scope| {
        for lease in &mut leases {
            let plain = &plain;
            scope.spawn(move || lease.failed(plain, at(0.0)));
        }
    });
    assert!(soonest(&pool, "a", at(0.0)).unwrap() <= 5.5);
    drop(leases);
    assert_eq!(pool.status(at(0.0))[0].in_flight, 0);
}

#[test]
fn what_a_key_can_do_one_finds_out_for_all() {
    let pool = pool(&Ledger::default(), &[1, 2, 3], Selection::LeastUsed);
    let ask = |may_wait| {
        pool.lease(&LeaseRequest { model: &model("a"), tried: &Tried::default(), affinity: None, may_wait }, at(0.0))
    };
    let mut trying: Vec<Lease> = (0..3).map(|_| ask(true).unwrap()).collect();
    assert_eq!(ask(true).unwrap_err(), NoKey::BeingTried);
    assert!(ask(false).is_ok(), "who will not wait need not");
    trying[0].failed(&minute(60.0), at(0.0));
    assert_eq!(ask(true).unwrap_err(), NoKey::BeingTried);
    trying[1].succeeded(at(0.0));
    let good = trying[1].key().id().clone();
    let followers: Vec<Lease> = (0..2).map(|_| ask(true).unwrap()).collect();
    assert!(followers.iter().all(|lease| *lease.key().id() == good));
    assert_eq!(ask(true).unwrap_err(), NoKey::BeingTried, "they do not all rush to the first that answers");
    drop((trying, followers));
    assert_eq!(*ask(true).unwrap().key().id(), pool.keys[2].id, "what was given back may be tried again");
    // With a single key there is nothing to find out.
    let alone = pool.only(pool.keys[0].id.as_str()).unwrap();
    let alone = |_| {
        alone.lease(
            &LeaseRequest { model: &model("b"), tried: &Tried::default(), affinity: None, may_wait: true },
            at(0.0),
        )
    };
    assert_eq!((0..4).map(alone).filter(Result::is_ok).count(), 4);
}

#[test]
fn a_report_after_a_reset_counts_for_nothing() {
    let ledger = Ledger::default();
    let pool = pool(&ledger, &[1], Selection::LeastUsed);
    let mut late = take(&pool, "a", at(0.0)).unwrap();
    take(&pool, "a", at(0.0)).unwrap().failed(&minute(60.0), at(0.0));
    ledger.reset(&pool.keys[0], None, at(0.0));
    late.failed(&minute(60.0), at(1.0));
    assert!(take(&pool, "a", at(1.0)).is_ok());
}

#[test]
fn keys_of_one_project_rest_together() {
    let key = |number: usize, project: &str| KeySettings {
        project: Some(project.to_owned()),
        ..KeySettings::from(SecretRef::parse(&secret(number)))
    };
    let settings = PoolSettings { keys: vec![key(1, "p"), key(2, "p"), key(3, "q")], ..PoolSettings::default() };
    let pool = prepared(&Ledger::default(), settings);
    let mut first = take(&pool, "a", at(0.0)).unwrap();
    let mut tried = Tried::default();
    tried.add(&first, &minute(60.0));
    first.failed(&minute(60.0), at(0.0));
    let second = pool
        .lease(&LeaseRequest { model: &model("a"), tried: &tried, affinity: None, may_wait: false }, at(0.0))
        .unwrap();
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Every policy is fair to equal keys: each is taken within two rounds.
    #[test]
    fn no_key_starves(rounds in 1..6usize, policy in prop_oneof![Just(Selection::LeastUsed), Just(Selection::RoundRobin)]) {
        let pool = pool(&Ledger::default(), &[0, 1, 2, 3], policy);
        for _ in 0..rounds {
            let taken: std::collections::BTreeSet<KeyId> =
                (0..2 * KEYS).map(|_| take(&pool, "a", at(0.0)).unwrap().key().id().clone()).collect();
            prop_assert_eq!(taken.len(), KEYS);
        }
    }

    /// No hint, however absurd, breaks the arithmetic or lasts longer than a day of 25 hours.
    #[test]
    fn absurd_hints_are_bounded(hint in prop_oneof![0.001..1e18f64, Just(f64::from(u32::MAX))]) {
        let pool = pool(&Ledger::default(), &[1], Selection::LeastUsed);
        take(&pool, "a", at(0.0)).unwrap().failed(&minute(hint), at(0.0));
        let rest = soonest(&pool, "a", at(0.0)).unwrap();
        prop_assert!(rest <= 25.0 * 3600.0 + 1.0);
    }
}

#[test]
fn weight_is_the_share_of_the_work() {
    let key =
        |number: usize, weight: u32| KeySettings { weight, ..KeySettings::from(SecretRef::parse(&secret(number))) };
    for selection in [Selection::Weighted, Selection::LeastUsed] {
        let settings = PoolSettings { keys: vec![key(1, 3), key(2, 1)], selection, ..PoolSettings::default() };
        let pool = prepared(&Ledger::default(), settings);
        // The leases are held, like requests in flight, because `least_used` goes by those.
        let leases: Vec<Lease> = (0..400).map(|_| take(&pool, "a", at(0.0)).unwrap()).collect();
        let heavy = leases.iter().filter(|lease| lease.key().weight == 3).count();
        assert!((230..=370).contains(&heavy), "{selection:?}: {heavy} of 400");
    }
}

/// Records what an observer is told.
#[derive(Default)]
struct Memory(std::sync::Mutex<(Vec<BreakerState>, Vec<Used>)>);

impl Observer for Memory {
    fn breaker_changed(&self, standing: &BreakerState) {
        self.0.lock().unwrap().0.push(standing.clone());
    }

    fn used(&self, used: &Used) {
        self.0.lock().unwrap().1.push(used.clone());
    }
}

#[test]
fn what_an_observer_was_sent_restores_a_ledger() {
    let (ledger, memory) = (Ledger::default(), std::sync::Arc::new(Memory::default()));
    ledger.observe(memory.clone());
    let keys = pool(&ledger, &[1, 2, 3], Selection::RoundRobin);
    let lease = |now: f64| take(&keys, "a", at(now)).unwrap();
    lease(0.0).failed(&minute(60.0), at(0.0));
    lease(0.0).failed(&fault(Kind::KeyInvalid, Blame::Key, None), at(0.0));
    let mut third = lease(0.0);
    third.used(10, 20);
    drop(third);
    ledger.disable(&keys.keys[2], true, at(1.0));
    let before = keys.status(at(2.0));

    let (breaker_states, used) = std::mem::take(&mut *memory.0.lock().unwrap());
    assert_eq!(breaker_states.len(), 3);
    let again = Ledger::default();
    again.observe(memory.clone());
    // In another process the monotonic clock shows another time.
    let later = Moment { since_start: Duration::ZERO, ..at(2.0) };
    again.merge(&breaker_states, later);
    again.recall(&used);
    let after = pool(&again, &[1, 2, 3], Selection::RoundRobin).status(later);
    assert!(*memory.0.lock().unwrap() == Default::default(), "an echo");
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.id, &before.state), (&after.id, &after.state));
        let models = |status: &KeyStatus| -> Vec<_> {
            status.models.iter().map(|(model, status)| (model.clone(), status.state.clone(), status.today)).collect()
        };
        assert_eq!(models(before), models(after));
    }
    assert_eq!(after[2].models["a"].today.completion_tokens, 20);
}

#[test]
fn known_limits_are_spent_before_google_refuses() {
    let key = |number: usize| KeySettings {
        project: Some("p".into()),
        limits: LimitsSettings { rpm: Some(3), tpm: Some(100), rpd: Some(7) },
        ..KeySettings::from(SecretRef::parse(&secret(number)))
    };
    let pool = prepared(&Ledger::default(), PoolSettings { keys: vec![key(1), key(2)], ..PoolSettings::default() });
    let ask = |now: f64| take(&pool, "a", at(now));
    // Both keys share the minute of their project, and each model has its own.
    assert!((0..3).all(|_| ask(0.0).is_ok()));
    assert_eq!(ask(0.0).unwrap_err(), NoKey::CoolingDown { soonest: Duration::from_secs(65), why: Kind::RateLimited });
    assert!(take(&pool, "b", at(0.0)).is_ok());
    // Tokens are known when the answer is complete.
    let mut lease = ask(65.0).unwrap();
    lease.succeeded(at(66.0));
    lease.used(100, 5);
    drop(lease);
    assert!(ask(67.0).is_err());
    assert!((0..3).all(|_| ask(200.0).is_ok()));
    // Noon in UTC is four in the morning in Los Angeles.
    assert_eq!(
        ask(300.0).unwrap_err(),
        NoKey::CoolingDown { soonest: Duration::from_secs(20 * 3600 - 300), why: Kind::DayQuota }
    );
    assert!(ask(20.0 * 3600.0).is_ok());
}

#[test]
fn keys_refused_together_for_what_they_did_not_use_are_named() {
    let pool = pool(&Ledger::default(), &[1, 2], Selection::RoundRobin);
    let exhausted = Fault { quota_value: Some(20), ..fault(Kind::DayQuota, Blame::Quota, None) };
    for (occasion, name) in ["a", "b"].into_iter().enumerate() {
        assert!(pool.status(at(0.0))[0].probably_shares_quota_with.is_empty(), "once may be chance: {occasion}");
        for _ in 0..2 {
            take(&pool, name, at(0.0)).unwrap().failed(&exhausted, at(0.0));
        }
    }
    assert_eq!(pool.status(at(0.0))[0].probably_shares_quota_with, [pool.keys[1].id.clone()]);
}

#[test]
fn keys_that_used_their_quota_up_themselves_are_not() {
    let pool = pool(&Ledger::default(), &[1, 2], Selection::RoundRobin);
    let exhausted = Fault { quota_value: Some(3), ..fault(Kind::DayQuota, Blame::Quota, None) };
    for name in ["a", "b", "c"] {
        (0..6).for_each(|_| take(&pool, name, at(0.0)).unwrap().succeeded(at(0.0)));
        for _ in 0..2 {
            take(&pool, name, at(0.0)).unwrap().failed(&exhausted, at(0.0));
        }
    }
    assert!(pool.status(at(0.0)).iter().all(|key| key.probably_shares_quota_with.is_empty()));
}

#[test]
fn a_model_that_is_overloaded_is_left_alone_and_no_key_is_blamed() {
    let ledger = Ledger::default();
    let pool = pool(&ledger, &[1, 2], Selection::RoundRobin);
    let overloaded = fault(Kind::Overloaded, Blame::Model, None);
    let ask = |now: f64| take(&pool, "a", at(now));
    for _ in 0..5 {
        ask(0.0).unwrap().failed(&overloaded, at(0.0));
    }
    assert!(matches!(ask(0.0).unwrap_err(), NoKey::Overloaded { .. }));
    assert!(take(&pool, "b", at(0.0)).is_ok());
    assert!(pool.status(at(0.0)).iter().all(|key| key.state.state == "ready" && key.failures == 0));
    assert_eq!(ledger.models(at(0.0))["a"].state, "resting");
    // One request probes; then two, four, eight may be in flight.
    let mut probe = ask(2.0).unwrap();
    assert!(ask(2.0).is_err());
    probe.succeeded(at(2.0));
    let leases: Vec<_> = (0..3).map(|_| ask(2.0)).collect();
    assert_eq!(leases.iter().filter(|lease| lease.is_ok()).count(), 2);
}

#[test]
fn a_key_that_got_a_401_is_tried_again_where_that_is_wanted() {
    let unauthorized = Fault { status: Some(401), ..fault(Kind::KeyInvalid, Blame::Key, None) };
    for (revive, back) in [(None, false), (Some(Duration::from_secs(3600)), true)] {
        let keys = vec![KeySettings::from(SecretRef::parse(&secret(1)))];
        let cooldown = Some(settings::CooldownOverride { revive, ..Default::default() });
        let pool = prepared(&Ledger::default(), PoolSettings { keys, cooldown, ..PoolSettings::default() });
        let ask = |now: f64| take(&pool, "a", at(now));
        ask(0.0).unwrap().failed(&unauthorized, at(0.0));
        assert_eq!(ask(3599.0).unwrap_err(), NoKey::AllDead);
        assert_eq!(ask(3600.0).is_ok(), back);
        assert_eq!(pool.counts(at(0.0)).dead, 1);
    }
}

#[test]
fn a_conversation_stays_on_its_key_until_that_rests() {
    let pool = pool(&Ledger::default(), &[0, 1, 2, 3], Selection::LeastUsed);
    let ask = |number: u64, now: f64| {
        let (model, tried) = (model("a"), Tried::default());
        let ask = LeaseRequest { model: &model, tried: &tried, affinity: Some(number), may_wait: false };
        pool.lease(&ask, at(now)).unwrap()
    };
    let homes: std::collections::BTreeSet<KeyId> = (0..64).map(|number| ask(number, 0.0).key().id().clone()).collect();
    assert_eq!(homes.len(), KEYS, "conversations are spread");
    ask(7, 0.0).succeeded(at(0.0));
    let mut home = ask(7, 0.0);
    let id = home.key().id().clone();
    assert!((0..4).all(|_| *ask(7, 0.0).key().id() == id));
    home.failed(&minute(60.0), at(0.0));
    assert!((0..4).all(|_| *ask(7, 1.0).key().id() != id), "it yields to a cooldown");
    assert_eq!(*ask(7, 60.0).key().id(), id, "and comes home");
    drop(home);
    let busy: Vec<Lease> = (0..20).map(|_| ask(9, 100.0)).collect();
    let keys: std::collections::BTreeSet<&KeyId> = busy.iter().map(|lease| lease.key().id()).collect();
    assert!(keys.len() > 1, "a preference, never a reservation");
}
