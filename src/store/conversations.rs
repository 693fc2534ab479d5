//! What answers leave for later requests, each for the client that was answered.

use std::time::Duration;

use bytes::Bytes;

use super::{Bounds, Store, Table};

/// A conversation that is gone on with tomorrow begins anew; the documentation and the messages say a day.
const BOUNDS: Bounds =
    Bounds { bytes: 128 * 1024 * 1024, largest: 16 * 1024 * 1024, kept: Duration::from_secs(24 * 60 * 60), most: None };

/// The memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Conversations(Table);

impl Conversations {
    /// Shared among replicas, where they share anything.
    pub fn of(store: &Store) -> Self {
        Self(store.table("conversation", BOUNDS))
    }

    /// What the answer of this id has left for this client.
    pub async fn recall(&self, client: &str, id: &str) -> Option<Bytes> {
        self.0.fetch(&key(client, id)).await
    }

    /// Keeps what an answer leaves.
    pub fn keep(&self, client: &str, id: &str, document: Bytes) {
        self.0.put(&key(client, id), document);
    }

    /// Forgets it.
    pub fn forget(&self, client: &str, id: &str) {
        self.0.remove(&key(client, id));
    }
}

impl Default for Conversations {
    fn default() -> Self {
        Self(Table::new(BOUNDS))
    }
}

/// Names of clients hold no slash, so that none can name what is another's.
fn key(client: &str, id: &str) -> String {
    format!("{client}/{id}")
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
        conversations.forget("other", "resp_1");
        assert!(conversations.recall("one", "resp_1").await.is_some());
        conversations.forget("one", "resp_1");
        assert_eq!(conversations.recall("one", "resp_1").await, None);
    }
}
