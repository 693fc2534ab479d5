//! Usage in the last minute, in slices of five seconds: nothing is stored per request, and the result is too cautious
//! by at most one slice.

use std::time::Duration;

const SLICE: Duration = Duration::from_secs(5);
/// A minute, plus the current slice.
const SLICES: usize = 13;

/// Amounts used in the last minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinuteWindow {
    amounts: [u64; SLICES],
    /// Number of the newest slice, counted from process start.
    newest: u64,
}

impl MinuteWindow {
    /// Adds an amount at this time.
    pub fn add(&mut self, amount: u64, now: Duration) {
        let number = slice(now);
        for passed in (self.newest + 1..=number).rev().take(SLICES) {
            *self.amount(passed) = 0;
        }
        self.newest = self.newest.max(number);
        let so_far = self.amount(self.newest);
        *so_far = so_far.saturating_add(amount);
    }

    #[expect(clippy::indexing_slicing, reason = "a remainder is less than what it is of")]
    fn amount(&mut self, number: u64) -> &mut u64 {
        &mut self.amounts[place(number)]
    }

    /// When the usage of the preceding minute falls below `limit`; None if it is below now.
    pub fn full_until(&self, limit: u64, now: Duration) -> Option<Duration> {
        let number = slice(now).max(self.newest);
        let oldest = number.saturating_sub(SLICES as u64 - 1);
        let amount = |number| self.amounts.get(place(number)).copied().unwrap_or_default();
        let kept = (oldest..=self.newest).map(|number| (number, amount(number)));
        let mut used: u64 = kept.clone().map(|(_, amount)| amount).sum();
        if used < limit {
            return None;
        }
        for (number, amount) in kept {
            used -= amount;
            if used < limit {
                return Some(start(number + SLICES as u64));
            }
        }
        // A limit of zero is checked again in a minute.
        Some(start(number + SLICES as u64))
    }
}

fn slice(now: Duration) -> u64 {
    now.as_secs() / SLICE.as_secs()
}

fn start(number: u64) -> Duration {
    Duration::from_secs(number.saturating_mul(SLICE.as_secs()))
}

fn place(number: u64) -> usize {
    usize::try_from(number % SLICES as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_used_counts_for_a_minute() {
        let mut minute = MinuteWindow::default();
        minute.add(2, at(3));
        minute.add(1, at(31));
        assert_eq!(minute.full_until(4, at(31)), None);
        assert_eq!(minute.full_until(3, at(31)), Some(at(65)));
        assert_eq!(minute.full_until(1, at(31)), Some(at(95)));
        assert_eq!(minute.full_until(3, at(64)), Some(at(65)));
        assert_eq!(minute.full_until(3, at(65)), None);
        minute.add(5, at(1000));
        assert_eq!(minute.full_until(5, at(1000)), Some(at(1065)));
        assert_eq!(minute.full_until(6, at(1000)), None);
    }

    /// One use in each slice, then a pause: usage older than a minute is gone, and nothing else.
    #[test]
    fn what_is_older_is_forgotten_slice_by_slice() {
        for pause in 1..40 {
            let mut minute = MinuteWindow::default();
            (0..SLICES as u64).for_each(|number| minute.add(1, start(number)));
            let now = SLICES as u64 - 1 + pause;
            minute.add(1, start(now));
            let kept = (SLICES as u64).saturating_sub(pause) + 1;
            assert_eq!(minute.full_until(kept + 1, start(now)), None, "{pause}");
            let oldest = if kept > 1 { pause } else { now };
            assert_eq!(minute.full_until(kept, start(now)), Some(start(oldest + SLICES as u64)), "{pause}");
        }
    }

    #[test]
    fn a_limit_of_nothing_is_looked_at_again_in_a_minute() {
        assert_eq!(MinuteWindow::default().full_until(0, at(31)), Some(at(95)));
    }
}
