//! How far to trust a quota that has neither rejected nor answered a request: one request finds out for all whether
//! anything is left of it. So a burst after a start does not find the same key exhausted ten times.
//!
//! It is a preference, not a gate: whatever is worth more than a rejected call, such as not keeping a client waiting,
//! takes precedence.

/// A quota that answers this many concurrent requests has proved itself.
const ENOUGH: u32 = 8;

/// How many requests may be in flight, and how many are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    room: u32,
    asking: u32,
}

impl Trust {
    /// Trust in a quota about which nothing is known.
    pub const NONE: Self = Self { room: 1, asking: 0 };

    /// Whether one more request should rather wait for the outcome of those in flight.
    pub fn is_full(&self) -> bool {
        self.room <= ENOUGH && self.asking >= self.room
    }

    /// Counts a request in flight.
    pub fn asks(&mut self) {
        self.asking = self.asking.saturating_add(1);
    }

    /// Counts an answer: 2, 4, 8 requests may now be in flight, then any number.
    pub fn answered(&mut self) {
        self.gave_up();
        if self.room <= ENOUGH {
            self.room *= 2;
        }
    }

    /// Counts a request that ended without an answer. It revealed nothing about the quota, or that it is used up, which
    /// the breaker records.
    pub fn gave_up(&mut self) {
        self.asking = self.asking.saturating_sub(1);
    }
}

/// Full trust. A quota known by other means, such as after a cooldown, is left to its breaker.
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
