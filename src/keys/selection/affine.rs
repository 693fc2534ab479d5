//! The same key for the same conversation, as long as it is ready: by rendezvous hashing, so nothing is remembered, all replicas
//! agree, and when a key is out only its own conversations move. A preference, never a reservation.

use super::Candidate;
use crate::keys::KeyId;
use crate::secret::Digest;

/// A key that is this much busier than the average is left to others: requests in flight.
const SLACK: u64 = 4;

/// The position of the key this conversation prefers among those that are ready.
pub fn choose<'a>(number: u64, ids: impl Iterator<Item = &'a KeyId>, candidates: &[Candidate]) -> Option<usize> {
    let busy: u64 = candidates.iter().map(|candidate| u64::from(candidate.in_flight)).sum();
    let count = candidates.len() as u64;
    let idle_enough = |candidate: &Candidate| u64::from(candidate.in_flight) * count <= busy + SLACK * count;
    let scored = ids.zip(candidates).enumerate().filter(|(_, (_, candidate))| idle_enough(candidate));
    let (position, _) = scored.max_by_key(|(_, (id, _))| Digest::of(&format!("{number:x} {id}")).hex(8))?;
    Some(position)
}
