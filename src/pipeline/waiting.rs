//! Obtains a key for a call: immediately, or after a wait if the request may wait.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::route::Route;
use super::{Exchange, conversation};
use crate::call::Call;
use crate::keys::{KeyPool, Lease, LeaseRequest, NoKey, Slot, Tried};

/// How long a request waits for others to find out which keys work. Rejections arrive sooner; answers may take minutes.
const FOUND_OUT: Duration = Duration::from_secs(1);

/// Leases a key for this call. Time spent waiting for cooldowns is deducted from `patience`.
pub async fn for_key(
    exchange: &Exchange,
    route: &Route,
    call: &Call,
    tried: &mut Tried,
    patience: &mut Duration,
) -> Result<Lease, NoKey> {
    let (client, conversation) = (&exchange.record.client, &exchange.place.conversation);
    let affinity = route.pool.wants_affinity().then(|| conversation::fingerprint(client, conversation, call)).flatten();
    let most = exchange.snapshot.config.settings.upstream.waiting;
    let mut place = None;
    loop {
        let ask = |may_wait: bool| {
            let ask = LeaseRequest { model: &call.model, tried, affinity, may_wait };
            route.pool.lease(&ask, exchange.services.clock.now())
        };
        let found = match ask(!patience.is_zero()) {
            Err(NoKey::BeingTried) => match take(&mut place, exchange, most) {
                // Boxed, because it is large and rarely needed.
                true => Box::pin(once_others_know(&route.pool, FOUND_OUT.min(*patience), ask)).await,
                false => ask(false),
            },
            found => found,
        };
        let no_key = match found {
            Ok(lease) => match lease.agreed(&exchange.services.store, tried, exchange.services.clock.now()).await {
                Some(lease) => return Ok(lease),
                None => continue,
            },
            Err(no_key) => no_key,
        };
        // Jitter: requests that wait for the same key must not all return at once.
        let rest = no_key.soonest().map(|rest| rest.mul_f64(1.0 + fastrand::f64() / 10.0));
        let left = exchange.deadline.saturating_duration_since(Instant::now());
        match rest {
            Some(rest) if rest <= *patience && rest < left / 2 && take(&mut place, exchange, most) => {
                *patience -= rest;
                sleep(rest).await;
                // Keys that rejected this request earlier may have recovered meanwhile.
                *tried = Tried::default();
            }
            _ => return Err(no_key),
        }
    }
}

/// Takes a slot among the waiting requests, once. Returns false when none is free.
fn take(place: &mut Option<Slot>, exchange: &Exchange, most: usize) -> bool {
    if place.is_none() {
        *place = exchange.services.queue.enter(most);
    }
    place.is_some()
}

/// Asks for a key again whenever the state of a key changes. After `longest` without news, accepts any key.
async fn once_others_know(
    pool: &KeyPool,
    longest: Duration,
    ask: impl Fn(bool) -> Result<Lease, NoKey>,
) -> Result<Lease, NoKey> {
    let until = Instant::now() + longest;
    loop {
        let mut news = pin!(pool.news());
        // Register before asking, so that no change in between is missed.
        news.as_mut().enable();
        match ask(true) {
            Err(NoKey::BeingTried) if timeout_at(until, news).await.is_ok() => {}
            Err(NoKey::BeingTried) => return ask(false),
            decided => return decided,
        }
    }
}
