//! Whose things at Google are: files and cached contents belong to the key they were made with, and to the client who made them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bounds, Store, Table};

/// Google keeps files for two days, and cached contents for as long as is asked for.
pub const FILES_KEPT: Duration = Duration::from_secs(48 * 60 * 60);
/// How long an owner of cached contents is remembered.
pub const CACHES_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long an upload may take.
pub const UPLOADS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// A row has some hundred bytes; with the URL of an upload, up to a thousand more.
const BOUNDS: Bounds = Bounds { bytes: 32 * 1024 * 1024, largest: 8 * 1024, kept: FILES_KEPT, most: None };

/// Whose something is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The pool of the key.
    pub pool: String,
    /// The key, by its id.
    pub key: String,
    /// The client, by the name it has in logs.
    pub client: String,
    /// Of an upload that is under way: where Google takes its pieces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// The memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Owners(Table);

impl Owners {
    /// Shared among replicas, where they share anything.
    pub fn shared(store: &Store) -> Self {
        Self(store.table("owner", BOUNDS))
    }

    /// Whose this is: `files/x`, `cachedContents/x`, `uploads/x`.
    pub async fn of(&self, name: &str) -> Option<Owner> {
        serde_json::from_slice(&self.0.fetch(name).await?).ok()
    }

    /// Remembers it for so long.
    pub fn keep(&self, name: &str, owner: &Owner, kept: Duration) {
        if let Ok(row) = serde_json::to_vec(owner) {
            self.0.put_for(name, row.into(), kept);
        }
    }

    /// Forgets it.
    pub fn forget(&self, name: &str) {
        self.0.remove(name);
    }
}

impl Default for Owners {
    fn default() -> Self {
        Self(Table::new(BOUNDS))
    }
}
