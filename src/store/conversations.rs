//! State that answers leave for later requests, separate for each client.

use std::time::Duration;

use bytes::Bytes;

use super::{Bounds, Store, Table};

/// A conversation continued after a day starts anew; the documentation and the error messages say a day.
const BOUNDS: Bounds =
    Bounds { bytes: 128 * 1024 * 1024, largest: 16 * 1024 * 1024, kept: Duration::from_secs(24 * 60 * 60), most: None };

/// The stored conversations. Clones share them.
#[derive(Clone, Debug)]
pub struct Conversations(Table);

impl Conversations {
    /// A store that is shared with other replicas, if they share anything.
    pub fn of(store: &Store) -> Self {
        Self(store.table("conversation", BOUNDS))
    }

    /// What the answer with this id has left for this client.
    pub async fn recall(&self, client: &str, id: &str) -> Option<Bytes> {
        self.0.fetch(&key(client, id)).await
    }

    /// Stores what an answer leaves.
    pub fn keep(&self, client: &str, id: &str, document: Bytes) {
        self.0.put(&key(client, id), document);
    }

    /// Removes what an answer has left.
    pub fn forget(&self, client: &str, id: &str) {
        self.0.remove(&key(client, id));
    }
}

impl Default for Conversations {
    fn default() -> Self {
        Self(Table::new(BOUNDS))
    }
}

/// Begins with the length of the client's name, so that no client can name what belongs to another: both a name and an
/// id that a request names may contain slashes.
fn key(client: &str, id: &str) -> String {
    format!("{}/{client}/{id}", client.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_client_has_its_own() {
        let conversations = Conversations::default();
        conversations.keep("one", "resp_1", "document".into());
        assert_eq!(conversations.recall("one", "resp_1").await.as_deref(), Some(&b"document"[..]));
        assert_eq!(conversations.recall("other", "resp_1").await, None);
        conversations.keep("team/one", "resp_1", "a team's".into());
        assert_eq!(conversations.recall("team", "one/resp_1").await, None);
        conversations.forget("other", "resp_1");
        assert!(conversations.recall("one", "resp_1").await.is_some());
        conversations.forget("one", "resp_1");
        assert_eq!(conversations.recall("one", "resp_1").await, None);
    }
}
