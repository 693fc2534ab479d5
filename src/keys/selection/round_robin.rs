//! Each key in turn: the one unused the longest. Unlike a position in a list, this stays fair when keys are added or
//! removed.

use super::Candidate;

pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let (position, _) = candidates.iter().enumerate().min_by_key(|(_, candidate)| candidate.last_pick)?;
    Some(position)
}
