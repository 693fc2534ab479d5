//! Chooses among the keys that are ready. Each policy is one file: candidates in, position out.

pub mod affine;
mod least_used;
mod round_robin;
mod weighted;

use super::settings::Selection;

/// A ready key, as a policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Requests in flight.
    pub in_flight: u32,
    /// Share of the traffic; at least 1.
    pub weight: u32,
    /// Sequence number of the pick that last took this key; 0 means never.
    pub last_pick: u64,
}

/// The position of the key to take, or None if there are no candidates.
pub fn choose(selection: Selection, candidates: &[Candidate], rng: &mut fastrand::Rng) -> Option<usize> {
    match selection {
        Selection::LeastUsed => least_used::choose(candidates),
        Selection::RoundRobin => round_robin::choose(candidates),
        Selection::Weighted => weighted::choose(candidates, rng),
    }
}
