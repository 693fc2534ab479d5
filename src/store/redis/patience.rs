//! How often a server that fails is tried again.

use std::time::Duration;

/// So many failures…
const MOST: usize = 3;
/// …within this time, and it counts as away.
const WITHIN: Duration = Duration::from_secs(5);
/// Between the first failures: it may have been a hiccup.
const AT_ONCE: Duration = Duration::from_millis(50);
/// The first pause of a server that is away; it doubles.
const FIRST: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(30);

/// Failures of late. Times are monotonic.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    failures: Vec<Duration>,
    pauses: u32,
}

impl Patience {
    /// It failed: how long to wait, and whether it counts as away.
    pub fn failed(&mut self, now: Duration, chance: f64) -> (Duration, bool) {
        self.failures.retain(|failure| now.saturating_sub(*failure) < WITHIN);
        self.failures.push(now);
        if self.failures.len() < MOST && self.pauses == 0 {
            return (AT_ONCE, false);
        }
        let pause = FIRST.saturating_mul(1 << self.pauses.min(5)).min(LONGEST);
        self.pauses += 1;
        // Up to a quarter more, so that replicas do not all come at once.
        (pause.mul_f64(1.0 + chance / 4.0), true)
    }

    /// It answers.
    pub fn works(&mut self) {
        self.pauses = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hiccup_is_no_absence_and_absence_is_waited_for_longer_and_longer() {
        let mut patience = Patience::default();
        let mut failed = |seconds| patience.failed(Duration::from_secs(seconds), 0.0);
        assert_eq!([failed(0), failed(10), failed(11)], [(AT_ONCE, false); 3]);
        let pauses: Vec<u64> = (12..20).map(|seconds| failed(seconds).0.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        patience.works();
        assert_eq!(patience.failed(Duration::from_secs(100), 0.0), (AT_ONCE, false));
    }

    #[test]
    fn one_that_answers_only_to_fail_again_is_away() {
        let mut patience = Patience::default();
        for second in 0..2 {
            patience.works();
            assert!(!patience.failed(Duration::from_secs(second), 0.0).1);
        }
        patience.works();
        assert!(patience.failed(Duration::from_secs(2), 0.0).1);
    }
}
