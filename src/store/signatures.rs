//! Thought signatures, by the id of the tool call they came with. Most clients drop Google's `extra_content`, but all
//! of them send the id back; so the id leads to the signature again, on any replica.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Bounds, Store, Table};

const BOUNDS: Bounds = Bounds {
    bytes: 64 * 1024 * 1024,
    // Signatures of function calls have a few thousand bytes; those of images, up to 1.5 million, are not ours to send
    // back.
    largest: 256 * 1024,
    most: None,
    // Long enough for an agent that waits for a person; Google states no expiry.
    kept: Duration::from_secs(24 * 60 * 60),
};
/// How many calls of one request have their signatures fetched: the last ones. Gemini requires only those of the
/// current turn.
const FETCHED: usize = 64;

/// The stored signatures. Clones share them.
#[derive(Clone, Debug)]
pub struct Signatures(Table);

impl Signatures {
    /// A store that is shared with other replicas, if they share anything.
    pub fn of(store: &Store) -> Self {
        Self(store.table("signature", BOUNDS))
    }

    /// The signature that came with this call, if this process knows it.
    pub fn recall(&self, call_id: &str) -> Option<Arc<str>> {
        let signature = self.0.get(call_id)?;
        std::str::from_utf8(&signature).ok().map(Arc::from)
    }

    /// Whether other replicas may know more than this one.
    pub fn are_shared(&self) -> bool {
        self.0.is_shared()
    }

    /// Fetches what other replicas know about these calls.
    pub async fn fetch(&self, call_ids: &[Cow<'_, str>]) {
        let earlier = call_ids.len().saturating_sub(FETCHED);
        join_all(call_ids.iter().skip(earlier).map(|id| self.0.fetch(id))).await;
    }

    /// Stores the signature that came with this call.
    pub fn keep(&self, call_id: &str, signature: &str) {
        self.0.put(call_id, signature.to_owned().into());
    }
}

impl Default for Signatures {
    fn default() -> Self {
        Self(Table::new(BOUNDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_signature_is_not_kept() {
        let memory = Signatures::default();
        memory.keep("call_1", "c2ln");
        memory.keep("call_2", &"x".repeat(1_500_000));
        assert_eq!(memory.recall("call_1").as_deref(), Some("c2ln"));
        assert_eq!(memory.recall("call_2"), None);
    }
}
