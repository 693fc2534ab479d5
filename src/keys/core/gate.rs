//! Whether the resource that a breaker guards may be used. Several gates combine to the strictest.

use std::time::Duration;

use crate::fault::Kind;

/// Whether the guarded resource may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Without restriction.
    Open,
    /// Once, to see whether it works again.
    Probe,
    /// Not until a request in flight has shown whether it works again.
    Busy(Kind),
    /// Not before this time.
    Closed {
        /// The end of the cooldown.
        until: Duration,
        /// The fault that caused it.
        why: Kind,
    },
    /// Not until it is reset.
    Dead(Kind),
    /// Not until it is enabled.
    Disabled,
}

impl Gate {
    /// Whether a request may pass.
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Open | Self::Probe)
    }

    /// The combination of both: the stricter one, and of two cooldowns the longer one.
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
