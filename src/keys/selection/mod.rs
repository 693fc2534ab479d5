//! Which of the keys that are ready. A policy is one file: candidates in, position out.

pub mod affine;
mod least_used;
mod round_robin;
mod weighted;

use super::settings::Selection;

/// A key that is ready, as a policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Requests in flight.
    pub in_flight: u32,
    /// Its share of the work; at least 1.
    pub weight: u32,
    /// The number of the pick at which it was taken last; 0 is never.
    pub last_pick: u64,
}

/// The position of the one to take; None when there are none.
pub fn choose(selection: Selection, candidates: &[Candidate], rng: &mut fastrand::Rng) -> Option<usize> {
    match selection {
        Selection::LeastUsed => least_used::choose(candidates),
        Selection::RoundRobin => round_robin::choose(candidates),
        Selection::Weighted => weighted::choose(candidates, rng),
    }
}
