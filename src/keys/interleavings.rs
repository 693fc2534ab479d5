//! The pool under every thread interleaving, tested with loom. Only with the feature `interleavings`.

#![cfg(feature = "interleavings")]

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::thread::{self, JoinHandle};

use super::core::Gate;
use super::settings::KeySettings;
use super::*;
use crate::clock::Moment;
use crate::environment::{Environment, SecretRef};
use crate::fault::{Blame, Fault, Kind};
use crate::model::ModelName;
use crate::problem::Problems;
use crate::sync::model::{every_order, spawn};

const REST: Duration = Duration::from_secs(30);

fn start() -> Moment {
    Moment { since_start: Duration::ZERO, wall: "2026-11-24T12:00:00Z".parse().unwrap() }
}

/// When every cooldown has ended.
fn later() -> Moment {
    start().plus(REST * 10)
}

fn model() -> ModelName {
    ModelName::parse("gemini-2.5-flash").unwrap()
}

fn pool(ledger: &Ledger, keys: &[usize]) -> Arc<KeyPool> {
    let key = |number: &usize| KeySettings::from(SecretRef::parse(&format!("gemini-key-{number}-0000000000000")));
    let settings = PoolSettings { keys: keys.iter().map(key).collect(), ..PoolSettings::default() };
    let cooldown = CooldownSettings::default();
    let mut problems = Problems::new();
    KeyPool::prepare("default", &settings, &cooldown, &Environment::default(), ledger, &mut problems).unwrap().into()
}

fn take(pool: &KeyPool, tried: &Tried, now: Moment) -> Result<Lease, NoKey> {
    pool.lease(&LeaseRequest { model: &model(), tried, affinity: None, may_wait: false }, now)
}

fn refused() -> Fault {
    Fault { retry_after: Some(REST), ..Fault::new(Kind::RateLimited, Blame::Quota, "") }
}

/// Requests in flight, over all keys; and how many keys are open.
fn standing(ledger: &Ledger, pool: &KeyPool, now: Moment) -> (u64, usize) {
    let mut kept = ledger.lock();
    let today = kept.books.today(now);
    let in_flight = |key: &Arc<Key>| kept.books.account(key.id()).map_or(0, |account| u64::from(account.in_flight));
    let flying = pool.keys().iter().map(in_flight).sum();
    let open =
        pool.keys().iter().filter(|key| kept.books.availability(key, &model(), now, today).gate == Gate::Open).count();
    (flying, open)
}

fn strikes(ledger: &Ledger) -> Vec<u32> {
    ledger.breaker_states(start()).iter().map(|standing| standing.strikes).collect()
}

fn all(threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn what_is_taken_is_given_back() {
    every_order(|| {
        let ledger = Ledger::seeded(1);
        let pool = pool(&ledger, &[1, 2]);
        let request = |fails: bool| {
            let pool = pool.clone();
            spawn(move || {
                let mut lease = take(&pool, &Tried::default(), start()).unwrap();
                if fails {
                    lease.failed(&refused(), start());
                } else {
                    lease.succeeded(start());
                }
            })
        };
        all(vec![request(true), request(false)]);
        assert_eq!(standing(&ledger, &pool, start()), (0, 1));
    });
}

/// The first report of a burst starts the cooldown; the others add nothing.
#[test]
fn a_burst_of_failures_is_one_strike() {
    every_order(|| {
        let ledger = Ledger::seeded(1);
        let pool = pool(&ledger, &[1]);
        let burst = (0..3).map(|_| take(&pool, &Tried::default(), start()).unwrap()).collect::<Vec<_>>();
        let report = |mut lease: Lease| {
            spawn(move || {
                lease.failed(&refused(), start());
            })
        };
        all(burst.into_iter().map(report).collect());
        assert_eq!(strikes(&ledger), [1]);
        assert_eq!(standing(&ledger, &pool, start()), (0, 0));
    });
}

/// Of the requests that arrive when a cooldown ends, one probes; the others neither call Google nor are lost.
#[test]
fn one_finds_out_when_a_rest_ends() {
    every_order(|| {
        let ledger = Ledger::seeded(1);
        let pool = pool(&ledger, &[1]);
        take(&pool, &Tried::default(), start()).unwrap().failed(&refused(), start());
        let finding_out = Arc::new(AtomicUsize::new(0));
        let come = || {
            let (pool, finding_out) = (pool.clone(), finding_out.clone());
            spawn(move || match take(&pool, &Tried::default(), later()) {
                Ok(lease) => {
                    let others = finding_out.fetch_add(1, SeqCst);
                    assert_eq!(others, 0, "two probes of one key");
                    finding_out.fetch_sub(1, SeqCst);
                    // Its client has left: nothing was found out.
                    drop(lease);
                }
                Err(none) => assert!(matches!(none, NoKey::Recovering { .. }), "{none:?}"),
            })
        };
        all(vec![come(), come()]);
        assert_eq!(standing(&ledger, &pool, later()).0, 0);
        assert!(take(&pool, &Tried::default(), later()).is_ok(), "a probe that found nothing out is made again");
    });
}

/// A request keeps the pool it began with; what it finds out also holds for the pool that replaces it.
#[test]
fn what_is_found_out_during_a_reload_is_known_after_it() {
    every_order(|| {
        let ledger = Ledger::seeded(1);
        let live = Arc::new(ArcSwap::new(pool(&ledger, &[1, 2])));
        let request = {
            let live = live.clone();
            spawn(move || {
                let pool = live.load_full();
                let mut tried = Tried::default();
                let mut first = take(&pool, &tried, start()).unwrap();
                first.failed(&refused(), start());
                tried.add(&first, &refused());
                let second = take(&pool, &tried, start()).unwrap();
                assert_ne!(first.key().id(), second.key().id());
            })
        };
        let reload = {
            let (live, ledger) = (live.clone(), ledger.clone());
            spawn(move || {
                let next = pool(&ledger, &[2, 1, 3]);
                // loom observes only its own types: this is where it may let other threads run first.
                thread::yield_now();
                live.store(next.clone());
                drop(take(&next, &Tried::default(), start()).unwrap());
            })
        };
        all(vec![request, reload]);
        assert_eq!(standing(&ledger, &live.load(), start()), (0, 2), "one of three keys rests");
    });
}

#[test]
fn nobody_waits_beyond_the_places_there_are() {
    every_order(|| {
        let queue = Queue::default();
        let inside = Arc::new(AtomicUsize::new(0));
        let come = || {
            let (queue, inside) = (queue.clone(), inside.clone());
            spawn(move || {
                let Some(place) = queue.enter(1) else { return };
                assert_eq!(inside.fetch_add(1, SeqCst), 0);
                inside.fetch_sub(1, SeqCst);
                drop(place);
            })
        };
        all(vec![come(), come()]);
        assert!(queue.enter(1).is_some(), "all places are free again");
    });
}

/// Of four requests that fail at once, three may retry, and no state is kept about them.
#[test]
fn retries_stay_within_their_budget() {
    every_order(|| {
        let budget = RetryBudget::default();
        let mut retrying: Vec<Active> = (0..2).map(|_| budget.begin(&model())).collect();
        assert!(retrying.iter_mut().all(Active::may_retry));
        let granted = Arc::new(AtomicUsize::new(0));
        let fail = || {
            let (mut active, granted) = (budget.begin(&model()), granted.clone());
            spawn(move || {
                granted.fetch_add(usize::from(active.may_retry()), SeqCst);
                // These requests are not dropped, so that they count until the end.
                std::mem::forget(active);
            })
        };
        all(vec![fail(), fail()]);
        assert_eq!(granted.load(SeqCst), 1);
    });
}
