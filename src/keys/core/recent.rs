//! How many of the last attempts failed: what fails more often than not is as good as what fails each time, though never five times
//! in a row.

use std::time::Duration;

/// What is older does not count.
const WINDOW: Duration = Duration::from_secs(30);
/// Fewer say nothing.
const ENOUGH: u32 = 10;

/// Attempts of the last while, from the first that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    since: Duration,
    good: u32,
    bad: u32,
}

impl Recent {
    /// One more.
    pub fn note(&mut self, good: bool, now: Duration) {
        if now.saturating_sub(self.since) >= WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
        let count = if good { &mut self.good } else { &mut self.bad };
        *count = count.saturating_add(1);
    }

    /// Whether more of them failed than not.
    pub fn mostly_bad(&self) -> bool {
        self.bad > self.good && self.good.saturating_add(self.bad) >= ENOUGH
    }
}
