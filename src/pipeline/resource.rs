//! What is asked of Google beside a model: lists, files, cached contents. Nothing here spends quota, and no plugin has a word in it:
//! there is neither a prompt nor an answer of a model, and bodies go through as they are. (The list of models is the exception, after
//! it is there.)

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::Error;
use crate::fault::{Blame, Fault, Retry};
use crate::keys::{Key, KeyPool};
use crate::runtime::{Services, Snapshot};
use crate::upstream::{ResourceAnswer, ResourceRequest};

/// On which key an resource runs, and what leads to another one.
#[derive(Clone, Copy)]
pub enum On<'p> {
    /// On the only key of this pool, which owns what it is about.
    Owner(&'p KeyPool),
    /// On any key of this pool, because all are told the same: on another one when one fails.
    Any(&'p KeyPool),
    /// On the key of this pool that this client's new things are made with; on the next one only when Google no longer takes that
    /// key, because things that are to be used together must be of one key.
    New(&'p KeyPool, &'p str),
}

impl On<'_> {
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
                "The Gemini key that this belongs to is not accepted by Google. The operator finds the reason in /admin/keys."
            }
            Self::Any(_) | Self::New(..) => {
                "No Gemini key is alive. The operator finds the reason of each key in /admin/keys."
            }
        };
        Error::unavailable("upstream_key_error", message)
    }
}

/// Runs an resource, and tells on which key.
///
/// # Errors
/// What Google says, or that no key is alive.
pub async fn run(
    snapshot: &Snapshot,
    services: &Services,
    on: On<'_>,
    resource: &ResourceRequest,
) -> Result<(ResourceAnswer, Arc<Key>), Error> {
    let settings = &snapshot.config.settings.upstream;
    let deadline = Instant::now() + settings.timeout;
    let (pool, now) = (on.pool(), services.clock.now());
    let keys = match on {
        On::Owner(pool) | On::Any(pool) => pool.usable(now),
        On::New(pool, client) => pool.for_client(client, now),
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
