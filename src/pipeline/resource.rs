//! Resource requests to Google: lists, files, cached contents. They use no quota. Plugins are not involved, since there
//! is neither a prompt nor a model's answer, and bodies pass through unchanged. (The exception is the list of models,
//! which plugins filter after it has arrived.)

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::Error;
use crate::fault::{Blame, Fault, Retry};
use crate::keys::{Key, KeyPool};
use crate::runtime::{Services, Snapshot};
use crate::upstream::{ResourceAnswer, ResourceRequest};

/// Which key a resource request runs on, and when another key is tried.
#[derive(Clone, Copy)]
pub enum KeyChoice<'p> {
    /// The only key of this pool, which owns the resource.
    Owner(&'p KeyPool),
    /// Any key of this pool, since the answer is the same for all. Fails over to another key.
    Any(&'p KeyPool),
    /// The key of this pool that this client's resources are created with. The next key is used only when Google no
    /// longer accepts that one, because resources to be used together must belong to the same key.
    New(&'p KeyPool, &'p str),
}

impl KeyChoice<'_> {
    fn pool(&self) -> &KeyPool {
        match self {
            Self::Owner(pool) | Self::Any(pool) | Self::New(pool, _) => pool,
        }
    }

    fn tries_next(&self, fault: &Fault) -> bool {
        match self {
            Self::Owner(_) => false,
            Self::Any(_) => fault.retry() != Retry::Never,
            Self::New(..) => fault.blame == Blame::Key,
        }
    }

    fn no_key_left(&self) -> Error {
        let message = match self {
            Self::Owner(_) => {
                "Google does not accept the Gemini key that owns this. The operator finds the reason in /admin/keys."
            }
            Self::Any(_) | Self::New(..) => {
                "No Gemini key is usable. The operator finds each key's reason in /admin/keys."
            }
        };
        Error::unavailable("upstream_key_error", message)
    }
}

/// Runs a resource request. Returns the answer and the key that was used.
///
/// # Errors
/// Google's error, or that no key is usable.
pub async fn run(
    snapshot: &Snapshot,
    services: &Services,
    on: KeyChoice<'_>,
    resource: &ResourceRequest,
) -> Result<(ResourceAnswer, Arc<Key>), Error> {
    let settings = &snapshot.config.settings.upstream;
    let deadline = Instant::now() + settings.timeout;
    let (pool, now) = (on.pool(), services.clock.now());
    let keys = match on {
        KeyChoice::Owner(pool) | KeyChoice::Any(pool) => pool.usable(now),
        KeyChoice::New(pool, client) => pool.for_client(client, now),
    };
    let mut last = None;
    for key in keys.into_iter().take(settings.attempts as usize) {
        match snapshot.upstream.run(resource, key.secret(), deadline).await {
            Ok(fetched) => return Ok((fetched, key)),
            Err(fault) => {
                services.telemetry.attempt_failed("", pool.name(), key.id().as_str(), "", &fault);
                if fault.blame == Blame::Key {
                    pool.refused(&key, &fault, services.clock.now());
                }
                let again = on.tries_next(&fault);
                last = Some(Error::from(&fault));
                if !again {
                    break;
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| on.no_key_left()))
}
