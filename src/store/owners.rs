//! Owners of resources at Google: files and cached contents belong to the key they were created with, and to the client
//! that created them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bounds, Store, Table};

/// How long the owner of a file is remembered. Google keeps files for two days, and cached contents for as long as
/// requested.
pub const FILES_KEPT: Duration = Duration::from_secs(48 * 60 * 60);
/// How long an owner of cached contents is remembered.
pub const CACHES_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long an upload may take.
pub const UPLOADS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// A row has a few hundred bytes; the URL of an upload adds up to a thousand.
const BOUNDS: Bounds = Bounds { bytes: 32 * 1024 * 1024, largest: 8 * 1024, kept: FILES_KEPT, most: None };

/// The owner of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The pool of the key.
    pub pool: String,
    /// The id of the key.
    pub key: String,
    /// The client, by its name in logs.
    pub client: String,
    /// For an upload in progress: the URL at which Google accepts its chunks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// The known owners. Clones share them.
#[derive(Clone, Debug)]
pub struct Owners(Table);

impl Owners {
    /// A store that is shared with other replicas, if they share anything.
    pub fn shared(store: &Store) -> Self {
        Self(store.table("owner", BOUNDS))
    }

    /// The owner of a resource: `files/x`, `cachedContents/x`, `uploads/x`.
    pub async fn of(&self, name: &str) -> Option<Owner> {
        serde_json::from_slice(&self.0.fetch(name).await?).ok()
    }

    /// Remembers an owner for this long.
    pub fn keep(&self, name: &str, owner: &Owner, kept: Duration) {
        if let Ok(row) = serde_json::to_vec(owner) {
            self.0.put_for(name, row.into(), kept);
        }
    }

    /// Forgets an owner.
    pub fn forget(&self, name: &str) {
        self.0.remove(name);
    }
}

impl Default for Owners {
    fn default() -> Self {
        Self(Table::new(BOUNDS))
    }
}
