//! What is asked of Google beside a model: on the key that is told, once. Nothing here spends quota or is tried again on another key.

use tokio::time::Instant;

use crate::clock::Moment;
use crate::error::Error;
use crate::fault::Fault;
use crate::keys::{Key, KeyPool};
use crate::runtime::{Services, Snapshot};
use crate::upstream::{Errand, Fetched};

/// Runs an errand on the key that is alone in a pool.
///
/// # Errors
/// What Google says, or that the key is dead.
pub async fn run(snapshot: &Snapshot, services: &Services, pool: &KeyPool, errand: &Errand) -> Result<Fetched, Error> {
    let key = alive(pool, services.clock.now())?;
    let deadline = Instant::now() + snapshot.config.settings.upstream.timeout;
    snapshot.upstream.run(errand, key.secret(), deadline).await.map_err(|fault| {
        told(services, pool, &key, &fault);
        Error::from(&fault)
    })
}

fn alive(pool: &KeyPool, now: Moment) -> Result<std::sync::Arc<Key>, Error> {
    pool.any_usable(now).ok_or_else(|| {
        let message = "The Gemini key that this belongs to is not accepted by Google. The operator finds the reason in /admin/keys.";
        Error::unavailable("upstream_key_error", message)
    })
}

fn told(services: &Services, pool: &KeyPool, key: &Key, fault: &Fault) {
    services.telemetry.attempt_failed("", pool.name(), key.id().as_str(), "", fault);
}
