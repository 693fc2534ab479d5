//! How far a quota is trusted that was never refused and never answered: whether there is anything left of it, one request finds out
//! for all. So a burst after a start does not find the same exhausted key exhausted ten times.
//!
//! It is a preference, not a gate: what is worth more than a refused call, as a client that waits, goes before.

/// Who answers this many at once has shown what there was to see.
const ENOUGH: u32 = 8;

/// How many may ask at once, and how many do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    room: u32,
    asking: u32,
}

impl Trust {
    /// Of what is not known at all.
    pub const NONE: Self = Self { room: 1, asking: 0 };

    /// Whether one more should rather wait for what is found out.
    pub fn is_full(&self) -> bool {
        self.room <= ENOUGH && self.asking >= self.room
    }

    /// One more asks.
    pub fn asks(&mut self) {
        self.asking = self.asking.saturating_add(1);
    }

    /// One has an answer: 2, 4, 8 at once may follow, then any number.
    pub fn answered(&mut self) {
        self.gave_up();
        if self.room <= ENOUGH {
            self.room *= 2;
        }
    }

    /// One asks no more, and has learnt nothing of the quota; or that it is used up, which its breaker knows.
    pub fn gave_up(&mut self) {
        self.asking = self.asking.saturating_sub(1);
    }
}

/// Full trust: what is known by other ways, as from a rest that is over, is its breaker's matter.
impl Default for Trust {
    fn default() -> Self {
        Self { room: ENOUGH * 2, asking: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_grows_by_answers_alone() {
        let mut trust = Trust::NONE;
        for room in [1, 2, 4, 8] {
            for asked in 0..room {
                assert!(!trust.is_full(), "{asked} of {room}");
                trust.asks();
            }
            assert!(trust.is_full());
            (1..room).for_each(|_| trust.gave_up());
            assert!(room == 1 || !trust.is_full());
            trust.answered();
        }
        (0..100).for_each(|_| trust.asks());
        assert!(!trust.is_full(), "it has shown what there was to see");
    }
}
