//! What a lease may do only with the agreement of the other replicas: use up a request of a daily quota of known size,
//! and probe after a cooldown. All other leases need no agreement, and none is sought where replicas share no state.

use std::future::ready;
use std::time::Duration;

use futures_util::future::Either;

use super::core::Policy;
use super::key::Key;
use super::lease::{Lease, Tried};
use crate::clock::Moment;
use crate::model::ModelName;
use crate::store::{Claim, Claimed, DayClaim, Scope, Store, Used};

/// The longest wait before asking again about another replica's probe. That replica usually publishes the outcome
/// sooner, but the client of the probe may leave first.
const AGAIN: Duration = Duration::from_secs(1);

/// The claim that the other replicas must agree to, if any.
pub(super) fn wanted(key: &Key, model: &ModelName, used: &Used, probes: Vec<Scope>, policy: &Policy) -> Option<Claim> {
    let day = key.limits.rpd.map(|limit| DayClaim {
        group: key.group.to_string(),
        keys: key.group_keys.iter().map(ToString::to_string).collect(),
        model: model.to_string(),
        day: used.day,
        limit,
    });
    let of_model = |scope: &Scope| matches!(scope, Scope::Model(_));
    let probe_expires = if probes.iter().all(of_model) { Policy::MODEL } else { *policy }.probe_expires;
    (day.is_some() || !probes.is_empty()).then_some(Claim { day, probes, probe_expires })
}

impl Lease {
    /// Returns this lease if the other replicas agree to it. Otherwise undoes it as if it had never been taken, so that
    /// the pool chooses another key.
    pub fn agreed<'a>(
        mut self,
        store: &'a Store,
        tried: &'a mut Tried,
        now: Moment,
    ) -> impl Future<Output = Option<Self>> + Send + 'a {
        match self.claim.take() {
            None => Either::Left(ready(Some(self))),
            // Boxed, because it is large, and a lease that needs no agreement would have room for it.
            Some(claim) => Either::Right(Box::pin(self.claimed(claim, store, tried, now))),
        }
    }

    async fn claimed(mut self, claim: Claim, store: &Store, tried: &mut Tried, now: Moment) -> Option<Self> {
        match store.claim(&claim).await {
            Claimed::Granted(held) => {
                self.held = held;
                self.report_use();
                return Some(self);
            }
            Claimed::Spent => {
                tried.spent(&self);
                self.withdraw(now, None);
            }
            Claimed::Probed(left) => self.withdraw(now, Some(now.since_start.saturating_add(left.min(AGAIN)))),
        }
        None
    }

    fn withdraw(&mut self, now: Moment, probed_until: Option<Duration>) {
        self.untold = None;
        self.ledger.lock().books.withdrawn(self.taken(), now, probed_until);
        self.reported = true;
    }
}
