//! The failure rate of recent attempts: failing more often than not is as bad as failing each time, even without five
//! failures in a row.

use std::time::Duration;

/// Length of a counting window.
const WINDOW: Duration = Duration::from_secs(30);
/// Fewer attempts are not significant.
const ENOUGH: u32 = 10;

/// Attempts in the current window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureRate {
    since: Duration,
    good: u32,
    bad: u32,
}

impl FailureRate {
    /// Records an attempt.
    pub fn note(&mut self, good: bool, now: Duration) {
        if now.saturating_sub(self.since) >= WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
        let count = if good { &mut self.good } else { &mut self.bad };
        *count = count.saturating_add(1);
    }

    /// Whether more attempts failed than succeeded, out of enough of them.
    pub fn is_failing(&self) -> bool {
        self.bad > self.good && self.good.saturating_add(self.bad) >= ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_failures_than_answers_of_ten_within_half_a_minute_are_as_good_as_five_in_a_row() {
        let noted = |attempts: &[(bool, u64)]| {
            let mut recent = FailureRate::default();
            attempts.iter().for_each(|(good, second)| recent.note(*good, Duration::from_secs(*second)));
            recent.is_failing()
        };
        let mixed =
            |bad: usize, good: usize, second: u64| [vec![(false, second); bad], vec![(true, second); good]].concat();
        assert!(noted(&mixed(6, 4, 1)) && !noted(&mixed(5, 5, 1)));
        assert!(!noted(&mixed(9, 0, 1)) && noted(&mixed(10, 0, 1)));
        assert!(!noted(&[mixed(6, 0, 1), mixed(6, 0, 31)].concat()), "what is older does not count");
        assert!(noted(&[mixed(6, 0, 1), mixed(6, 0, 29)].concat()));
        assert!(noted(&mixed(10, 0, 100)), "half a minute begins with the first of them");
    }
}
