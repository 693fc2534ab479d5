//! Keeps a conversation on the same key while that key is ready. Rendezvous hashing needs no stored state, all replicas
//! agree, and when a key becomes unavailable only its own conversations move. A preference, never a reservation.

use super::Candidate;
use crate::keys::KeyId;
use crate::secret::Digest;

/// A key with this many more requests in flight than the average is passed over.
const SLACK: u64 = 4;

/// The position of the ready key that this conversation prefers.
pub fn choose<'a>(number: u64, ids: impl Iterator<Item = &'a KeyId>, candidates: &[Candidate]) -> Option<usize> {
    let busy: u64 = candidates.iter().map(|candidate| u64::from(candidate.in_flight)).sum();
    let count = candidates.len() as u64;
    let idle_enough = |candidate: &Candidate| u64::from(candidate.in_flight) * count <= busy + SLACK * count;
    let scored = ids.zip(candidates).enumerate().filter(|(_, (_, candidate))| idle_enough(candidate));
    let (position, _) = scored.max_by_key(|(_, (id, _))| Digest::of(&format!("{number:x} {id}")).hex(8))?;
    Some(position)
}
