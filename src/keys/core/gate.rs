//! Whether what a breaker guards may be used, and of several breakers the strictest word.

use std::time::Duration;

use crate::fault::Kind;

/// Whether the guarded may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Freely.
    Open,
    /// Once, to see whether it works again.
    Probe,
    /// Not until one that is under way has told whether it works again.
    Busy(Kind),
    /// Not before this moment.
    Closed {
        /// The end of the rest.
        until: Duration,
        /// The fault that began it.
        why: Kind,
    },
    /// Not until somebody resets it.
    Dead(Kind),
    /// Not until somebody enables it.
    Disabled,
}

impl Gate {
    /// Whether it lets anybody through.
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Open | Self::Probe)
    }

    /// What both together allow: the stricter word, and of two rests the longer one.
    pub fn and(self, other: Self) -> Self {
        if self.strictness() >= other.strictness() { self } else { other }
    }

    fn strictness(self) -> (u8, Duration) {
        match self {
            Self::Open => (0, Duration::ZERO),
            Self::Probe => (1, Duration::ZERO),
            Self::Busy(_) => (2, Duration::ZERO),
            Self::Closed { until, .. } => (3, until),
            Self::Dead(_) => (4, Duration::ZERO),
            Self::Disabled => (5, Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_word_counts_whoever_says_it() {
        let closed = |seconds| Gate::Closed { until: Duration::from_secs(seconds), why: Kind::RateLimited };
        let dead = Gate::Dead(Kind::KeyInvalid);
        for (one, other, expected) in [
            (Gate::Open, Gate::Open, Gate::Open),
            (Gate::Open, Gate::Probe, Gate::Probe),
            (Gate::Probe, closed(1), closed(1)),
            (Gate::Busy(Kind::RateLimited), closed(1), closed(1)),
            (closed(1), closed(2), closed(2)),
            (closed(2), dead, dead),
            (dead, Gate::Disabled, Gate::Disabled),
        ] {
            assert_eq!(one.and(other), expected, "{one:?} and {other:?}");
            assert_eq!(other.and(one), expected, "{other:?} and {one:?}");
        }
    }
}
