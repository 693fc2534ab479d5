//! Routes requests about resources of one key (files, cached contents) to that key, because no other key can use them.
//! The owner is remembered. If it is not known, the key that the client's own resources are created with is tried.

use std::sync::Arc;

use super::route::Route;
use crate::clock::Moment;
use crate::error::Error;
use crate::keys::{Key, KeyPool};
use crate::protocol::owned::ResourceName;
use crate::runtime::{Services, Snapshot};
use crate::store::Owner;

/// The owner of a resource, and a pool with only its key, for a client.
///
/// # Errors
/// 404 when the resource belongs to another client, or its key is no longer configured.
pub async fn find(
    snapshot: &Snapshot,
    services: &Services,
    client: &str,
    name: &str,
    pool: &Arc<KeyPool>,
) -> Result<(Arc<KeyPool>, Owner), Error> {
    let owner = match services.owners.of(name).await {
        Some(owner) if owner.client == client => owner,
        // Do not reveal whether it exists. Google's own message leaves that open too.
        Some(_) => return Err(not_yours(name)),
        None => for_new(pool, client, services.clock.now())?,
    };
    let its = snapshot.pools.get(&owner.pool).and_then(|pool| pool.only(&owner.key));
    let its = its.ok_or_else(|| {
        let message = format!("`{name}` belongs to a Gemini key that is no longer configured. Create it again.");
        Error::not_found(message).code("owner_gone")
    })?;
    Ok((Arc::new(its), owner))
}

/// The presumed owner of this client's resources when none is recorded.
///
/// # Errors
/// 503 when the pool has no usable key.
fn for_new(pool: &KeyPool, client: &str, now: Moment) -> Result<Owner, Error> {
    let keys = pool.for_client(client, now);
    let key = keys.first().ok_or_else(|| {
        Error::unavailable(
            "upstream_key_error",
            "No Gemini key is usable. The operator finds each key's reason in /admin/keys.",
        )
    })?;
    Ok(with(pool, key, client))
}

/// The owner of a resource that was created with this key.
pub fn with(pool: &KeyPool, key: &Key, client: &str) -> Owner {
    Owner { pool: pool.name().to_owned(), key: key.id().to_string(), client: client.to_owned(), url: String::new() }
}

/// Restricts a route to the key that owns all resources named in a request.
///
/// # Errors
/// As [`of`]; 409 when the resources belong to different keys.
pub async fn narrow(
    snapshot: &Snapshot,
    services: &Services,
    client: &str,
    names: &[ResourceName],
    route: &mut Route,
) -> Result<(), Error> {
    let mut found: Option<(&String, Owner)> = None;
    for ResourceName { name, certain } in names {
        // An uncertain name of which no owner is known must not cost the request its other keys.
        if !certain && services.owners.of(name).await.is_none() {
            continue;
        }
        let (pool, owner) = find(snapshot, services, client, name, &route.pool).await?;
        match &found {
            Some((other, known)) if known.key != owner.key => {
                let message = format!(
                    "`{other}` and `{name}` belong to different Gemini keys, and no key can use both. Create one of them again."
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

/// Explains an error of the only key that could serve the request.
pub fn explain_single_key(name: &str, mut error: Error) -> Error {
    if error.status == 429 || error.status == 503 {
        error.message = format!("`{name}` belongs to one Gemini key, and only that key can use it. {}", error.message);
    }
    error
}

fn not_yours(name: &str) -> Error {
    Error::not_found(format!("You do not have permission to access `{name}`, or it may not exist."))
}
