//! Thought signatures by the id of the tool call they came with. Most clients drop Google's `extra_content`, but all of them
//! send the id back; so the id finds the signature again, on whichever replica.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Bounds, Store, Table};

const BOUNDS: Bounds = Bounds {
    bytes: 64 * 1024 * 1024,
    // Those of function calls have a few thousand; those on images, up to 1.5 million, are not ours to send back.
    largest: 256 * 1024,
    most: None,
    // Long enough for an agent that waits for a person; Google states no expiry.
    kept: Duration::from_secs(24 * 60 * 60),
};
/// Calls of one request whose signatures are fetched: its last ones. Gemini asks for those of the current turn only.
const FETCHED: usize = 64;

/// The memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Signatures(Table);

impl Signatures {
    /// Shared among replicas, where they share anything.
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

    /// Gets to know what other replicas know of these calls.
    pub async fn fetch(&self, call_ids: &[Cow<'_, str>]) {
        let earlier = call_ids.len().saturating_sub(FETCHED);
        join_all(call_ids.iter().skip(earlier).map(|id| self.0.fetch(id))).await;
    }

    /// Keeps the signature that came with this call.
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
