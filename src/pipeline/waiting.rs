//! A key for a call: at once, or, while there is patience, after a wait.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::route::Route;
use super::{Exchange, conversation};
use crate::call::Call;
use crate::keys::{Ask, KeyPool, Lease, NoKey, Place, Tried};

/// The longest a request waits for others to find out which keys can answer. Refusals come sooner; answers may take minutes.
const FOUND_OUT: Duration = Duration::from_secs(1);

/// A key for this call. Of `patience` goes what was waited for keys that rest.
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
        let ask = |patient: bool| {
            let ask = Ask { model: &call.model, tried, affinity, patient };
            route.pool.lease(&ask, exchange.services.clock.now())
        };
        let found = match ask(!patience.is_zero()) {
            Err(NoKey::BeingTried) => match take(&mut place, exchange, most) {
                true => once_others_know(&route.pool, FOUND_OUT.min(*patience), ask).await,
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
        // Many that wait for one key must not come back in the same instant.
        let rest = no_key.soonest().map(|rest| rest.mul_f64(1.0 + fastrand::f64() / 10.0));
        let left = exchange.deadline.saturating_duration_since(Instant::now());
        match rest {
            Some(rest) if rest <= *patience && rest < left / 2 && take(&mut place, exchange, most) => {
                *patience -= rest;
                sleep(rest).await;
                // What refused before has rested since.
                *tried = Tried::default();
            }
            _ => return Err(no_key),
        }
    }
}

/// Takes a place among those that wait, once; false when there is none.
fn take(place: &mut Option<Place>, exchange: &Exchange, most: usize) -> bool {
    if place.is_none() {
        *place = exchange.services.queue.enter(most);
    }
    place.is_some()
}

/// Asks again with each news of a key; when there is none for too long, a key is as good as any other.
async fn once_others_know(
    pool: &KeyPool,
    longest: Duration,
    ask: impl Fn(bool) -> Result<Lease, NoKey>,
) -> Result<Lease, NoKey> {
    let until = Instant::now() + longest;
    loop {
        let mut news = pin!(pool.news());
        // What is new after this look is not missed.
        news.as_mut().enable();
        match ask(true) {
            Err(NoKey::BeingTried) if timeout_at(until, news).await.is_ok() => {}
            Err(NoKey::BeingTried) => return ask(false),
            decided => return decided,
        }
    }
}
