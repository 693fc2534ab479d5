//! A rate limit over a sliding window. Pure.
//!
//! Two counts are enough: that of the current window, and that of the previous one, weighted by the share of it that
//! still lies within reach. So the limit can never be used twice in quick succession, and counts can be stored, and
//! shared by replicas, as plain sums.

use std::time::Duration;

use jiff::Timestamp;

use crate::allowance::Left;

/// A limit per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The limit.
    pub limit: u64,
    /// Length of the window.
    pub window: Duration,
}

/// The position of a point in time within its window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Number of the window.
    pub window: i64,
    /// How much of the window has passed, from 0 to 1.
    pub over: f64,
}

/// Amounts counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// In the previous window.
    pub before: u64,
    /// In the current window.
    pub now: u64,
}

impl Rate {
    /// A limit per minute.
    pub fn per_minute(limit: u64) -> Self {
        Self { limit, window: Duration::from_secs(60) }
    }

    /// The position of a point in time.
    pub fn place(&self, now: Timestamp) -> Place {
        let window = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX).max(1);
        let milliseconds = now.as_millisecond();
        let within = milliseconds.rem_euclid(window);
        Place { window: milliseconds.div_euclid(window), over: within as f64 / window as f64 }
    }

    /// Time until there is room for one more; None if there is room now.
    pub fn full_for(&self, counted: Counted, place: Place) -> Option<Duration> {
        let room = self.limit.saturating_sub(1) as f64;
        let Counted { before, now } = counted;
        if self.limit > 0 && used(counted, place) <= room {
            return None;
        }
        // The share of a window that must pass until the remaining count and one more fit.
        let fits = |count: u64, room: f64| if count == 0 { 1.0 } else { (1.0 - room / count as f64).clamp(0.0, 1.0) };
        let windows = match (now as f64) <= room {
            true => fits(before, room - now as f64) - place.over,
            false => 1.0 - place.over + fits(now, room),
        };
        Some(self.window.mul_f64(windows.max(0.0)).max(Duration::from_millis(1)))
    }

    /// What is left of the limit.
    pub fn left(&self, counted: Counted, place: Place) -> Left {
        let used = used(counted, place);
        let reset = match counted {
            Counted { before: 0, now: 0 } => 0.0,
            Counted { now: 0, .. } => 1.0 - place.over,
            _ => 2.0 - place.over,
        };
        let remaining = (self.limit as f64 - used).max(0.0).floor() as u64;
        Left { limit: self.limit, remaining, reset: self.window.mul_f64(reset) }
    }
}

fn used(counted: Counted, place: Place) -> f64 {
    counted.before as f64 * (1.0 - place.over) + counted.now as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { limit: 10, window: Duration::from_secs(60) };

    fn at(over: f64) -> Place {
        Place { window: 7, over }
    }

    #[test]
    fn moments_lie_in_windows() {
        let place = RATE.place("1970-01-01T00:01:45Z".parse().unwrap());
        assert_eq!(place, Place { window: 1, over: 0.75 });
    }

    #[test]
    fn what_is_full_has_room_again_when_enough_has_moved_out_of_reach() {
        let seconds = |before, now, over| RATE.full_for(Counted { before, now }, at(over)).map(|wait| wait.as_secs());
        assert_eq!(seconds(0, 9, 0.0), None);
        // Once a tenth of the next window has passed, nine of the ten still count, which leaves room for one more.
        assert_eq!(seconds(0, 10, 0.5), Some(36));
        assert_eq!(seconds(10, 0, 0.0), Some(6));
        assert_eq!(seconds(10, 0, 0.11), None);
        assert_eq!(seconds(10, 5, 0.5), Some(6));
        // The wait is exact: just after it, there is room.
        for (before, now, over) in [(10, 5, 0.5), (10, 0, 0.0), (7, 9, 0.3)] {
            let wait = RATE.full_for(Counted { before, now }, at(over)).unwrap();
            let later = over + wait.as_secs_f64() / 60.0 + 1e-6;
            assert_eq!(RATE.full_for(Counted { before, now }, at(later)), None);
        }
        assert!(Rate { limit: 0, ..RATE }.full_for(Counted::default(), at(0.0)).is_some());
    }

    #[test]
    fn what_is_left_is_never_more_than_may_be_used() {
        for (before, now, over, remaining) in [(0, 0, 0.0, 10), (0, 4, 0.9, 6), (10, 0, 0.25, 2), (10, 10, 0.5, 0)] {
            let left = RATE.left(Counted { before, now }, at(over));
            assert_eq!((left.limit, left.remaining), (10, remaining));
        }
        assert_eq!(RATE.left(Counted::default(), at(0.5)).reset, Duration::ZERO);
    }
}
