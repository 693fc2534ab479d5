//! A random key, in proportion to weight.

use super::Candidate;

pub fn choose(candidates: &[Candidate], rng: &mut fastrand::Rng) -> Option<usize> {
    let total: u64 = candidates.iter().map(|candidate| u64::from(candidate.weight)).sum();
    let mut ticket = rng.u64(0..total.max(1));
    candidates.iter().position(|candidate| match ticket.checked_sub(u64::from(candidate.weight)) {
        Some(rest) => {
            ticket = rest;
            false
        }
        None => true,
    })
}
