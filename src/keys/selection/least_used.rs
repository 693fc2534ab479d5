//! The fewest requests in flight, in proportion to weight; on a tie, the key unused the longest.

use std::cmp::Ordering;

use super::Candidate;

pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let (position, _) = candidates.iter().enumerate().min_by(|(_, one), (_, other)| compare(one, other))?;
    Some(position)
}

fn compare(one: &Candidate, other: &Candidate) -> Ordering {
    // Compares in_flight / weight without dividing.
    let load = |this: &Candidate, that: &Candidate| u64::from(this.in_flight) * u64::from(that.weight);
    load(one, other).cmp(&load(other, one)).then(one.last_pick.cmp(&other.last_pick))
}
