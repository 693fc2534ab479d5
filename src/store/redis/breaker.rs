//! Decides when Redis counts as unavailable, and when to reconnect. Pure.
//! Never: a clock, a connection.

use std::time::Duration;

/// This many failures within `WITHIN`, and Redis counts as unavailable.
const FAILURES: usize = 3;
const WITHIN: Duration = Duration::from_secs(5);
/// The first pause; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Whether Redis is worth calling.
#[derive(Debug, Default)]
pub struct Breaker {
    /// When the last failures happened.
    failures: Vec<Duration>,
    /// Pauses in a row.
    pauses: u32,
}

impl Breaker {
    /// Records a failure. Returns true if Redis now counts as unavailable.
    pub fn failed(&mut self, now: Duration) -> bool {
        self.failures.retain(|then| now.saturating_sub(*then) < WITHIN);
        self.failures.push(now);
        self.failures.len() >= FAILURES
    }

    /// Records that Redis is available again.
    pub fn back(&mut self) {
        self.failures.clear();
    }

    /// Records that Redis has answered for a while: the next pause is a short one again.
    pub fn healthy(&mut self) {
        self.pauses = 0;
    }

    /// The pause before reconnecting. `chance`, in 0..1, spreads out replicas that lost the connection together.
    pub fn pause(&mut self, chance: f64) -> Duration {
        let bound = PAUSE.saturating_mul(1 << self.pauses.min(8)).min(LONGEST);
        self.pauses += 1;
        bound.mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_within_five_seconds_are_enough() {
        let at = Duration::from_secs;
        let mut breaker = Breaker::default();
        let told: Vec<bool> = [0, 3, 6, 9, 10].map(|second| breaker.failed(at(second))).into();
        assert_eq!(told, [false, false, false, false, true]);
        breaker.back();
        assert!(!breaker.failed(at(10)));
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut breaker = Breaker::default();
        let pauses: Vec<u64> = (0..8).map(|_| breaker.pause(1.0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        breaker.healthy();
        assert_eq!(breaker.pause(0.0), Duration::from_millis(500));
    }
}
