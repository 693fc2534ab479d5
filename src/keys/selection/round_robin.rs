//! One after the other: the one unused for longest. Unlike a position in a list, that stays fair when keys come and go.

use super::Candidate;

pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let (position, _) = candidates.iter().enumerate().min_by_key(|(_, candidate)| candidate.last_pick)?;
    Some(position)
}
