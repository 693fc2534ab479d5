//! Tests accounts under every thread interleaving, with loom. Only with the feature `interleavings`.

#![cfg(feature = "interleavings")]

use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::account::Accounts;
use super::limits::Limits;
use crate::clock::Moment;
use crate::store::Store;
use crate::sync::model::{every_order, spawn};

fn now() -> Moment {
    Moment { since_start: Duration::ZERO, wall: "2026-11-24T12:00:00Z".parse().unwrap() }
}

/// Two concurrent requests where one is allowed: at most one is admitted at a time, and every slot taken is released.
#[test]
fn no_more_are_inside_than_may_be_at_once() {
    every_order(|| {
        let account = Accounts::of(&Store::default()).open("alice");
        let limits = Limits { at_once: Some(1), daily_requests: Some(2), ..Limits::default() };
        let inside = Arc::new(AtomicUsize::new(0));
        let come = || {
            let (account, inside) = (account.clone(), inside.clone());
            spawn(move || {
                let Ok(visit) = account.admit(&limits, now()) else { return 0 };
                assert_eq!(inside.fetch_add(1, SeqCst), 0);
                inside.fetch_sub(1, SeqCst);
                drop(visit);
                1
            })
        };
        let threads = [come(), come()];
        let admitted: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        let status = account.status(now());
        assert_eq!((status.in_flight, status.requests_today), (0, admitted), "who was turned away is not counted");
        assert!(admitted >= 1);
    });
}
