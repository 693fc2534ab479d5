//! Thought signatures by the id of the tool call they came with. Most clients drop Google's `extra_content`, but all of them
//! send the id back; so the id finds the signature again.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

/// Long enough for an agent that waits for a person; Google states no expiry.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// All signatures together, in bytes.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// One signature, in bytes. Those of function calls have a few thousand; those on images, up to 1.5 million, are not ours to
/// send back.
const LARGEST: usize = 256 * 1024;

/// The memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Signatures(Cache<Arc<str>, Arc<str>>);

impl Signatures {
    /// The signature that came with this call, if it is still known.
    pub fn recall(&self, call_id: &str) -> Option<Arc<str>> {
        self.0.get(call_id)
    }

    /// Keeps the signature that came with this call.
    pub fn keep(&self, call_id: &str, signature: &str) {
        if signature.len() <= LARGEST {
            self.0.insert(call_id.into(), signature.into());
        }
    }
}

impl Default for Signatures {
    fn default() -> Self {
        let weigh = |id: &Arc<str>, signature: &Arc<str>| u32::try_from(id.len() + signature.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(CAPACITY).weigher(weigh).time_to_live(KEPT).build())
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
