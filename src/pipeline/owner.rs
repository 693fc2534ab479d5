//! What belongs to one key at Google, files and cached contents, leads to that key: no other can use it. Who made it is remembered;
//! what nobody remembers is looked for where this client's own things are made.

use std::sync::Arc;

use super::route::Route;
use crate::clock::Moment;
use crate::error::Error;
use crate::keys::{Key, KeyPool};
use crate::protocol::owned::Named;
use crate::runtime::{Services, Snapshot};
use crate::store::Owner;

/// The pool with the one key that owns this, for a client.
///
/// # Errors
/// 404 when it is another client's, or its key is not configured any more.
pub async fn of(
    snapshot: &Snapshot,
    services: &Services,
    client: &str,
    name: &str,
    pool: &Arc<KeyPool>,
) -> Result<(Arc<KeyPool>, Owner), Error> {
    let owner = match services.owners.of(name).await {
        Some(owner) if owner.client == client => owner,
        // Whether it exists is nobody else's business: Google's own words leave it open too.
        Some(_) => return Err(not_yours(name)),
        None => for_new(pool, client, services.clock.now())?,
    };
    let its = snapshot.pools.get(&owner.pool).and_then(|pool| pool.only(&owner.key));
    let its = its.ok_or_else(|| {
        let message = format!("`{name}` belongs to a Gemini key that is not configured any more. Make it again.");
        Error::not_found(message).code("owner_gone")
    })?;
    Ok((Arc::new(its), owner))
}

/// Who owns what this client makes, as far as nobody knows otherwise.
///
/// # Errors
/// 503 when no key of the pool is alive.
fn for_new(pool: &KeyPool, client: &str, now: Moment) -> Result<Owner, Error> {
    let keys = pool.for_client(client, now);
    let key = keys.first().ok_or_else(|| {
        Error::unavailable(
            "upstream_key_error",
            "No Gemini key is alive. The operator finds the reason of each key in /admin/keys.",
        )
    })?;
    Ok(with(pool, key, client))
}

/// Whoever made something with this key.
pub fn with(pool: &KeyPool, key: &Key, client: &str) -> Owner {
    Owner { pool: pool.name().to_owned(), key: key.id().to_string(), client: client.to_owned(), url: String::new() }
}

/// Leads a route to the key that owns all that a request names.
///
/// # Errors
/// As [`of`]; 409 when the things belong to several keys.
pub async fn narrow(
    snapshot: &Snapshot,
    services: &Services,
    client: &str,
    names: &[Named],
    route: &mut Route,
) -> Result<(), Error> {
    let mut found: Option<(&String, Owner)> = None;
    for Named { name, certain } in names {
        // What may be something else, and what nobody remembers, must not cost a request its other keys.
        if !certain && services.owners.of(name).await.is_none() {
            continue;
        }
        let (pool, owner) = of(snapshot, services, client, name, &route.pool).await?;
        match &found {
            Some((other, known)) if known.key != owner.key => {
                let message = format!(
                    "`{other}` and `{name}` belong to different Gemini keys, and no key can use both. Make one of them again."
                );
                return Err(Error::conflict(message).code("different_owners"));
            }
            _ => {
                route.pool = pool;
                found = Some((name, owner));
            }
        }
    }
    Ok(())
}

/// An error of the only key that could do it.
pub fn alone(name: &str, mut error: Error) -> Error {
    if error.status == 429 || error.status == 503 {
        error.message = format!("`{name}` belongs to one Gemini key, and only that key can use it. {}", error.message);
    }
    error
}

fn not_yours(name: &str) -> Error {
    Error::not_found(format!("You do not have permission to access `{name}`, or it may not exist."))
}
