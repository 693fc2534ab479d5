//! So much in a window that moves along. Pure.
//!
//! Two counts are enough: that of the window under way, and that of the one before, of which as much counts as still lies within reach.
//! So there is no moment at which all is allowed twice, and what is counted can be kept, and shared by replicas, as plain sums.

use std::time::Duration;

use jiff::Timestamp;

use crate::allowance::Left;

/// So much in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How much.
    pub limit: u64,
    /// In which time.
    pub window: Duration,
}

/// A moment in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The window's number.
    pub window: i64,
    /// How much of it is over, from 0 to 1.
    pub over: f64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// In the window before.
    pub before: u64,
    /// In this one.
    pub now: u64,
}

impl Rate {
    /// So much in a minute.
    pub fn per_minute(limit: u64) -> Self {
        Self { limit, window: Duration::from_secs(60) }
    }

    /// Where a moment lies.
    pub fn place(&self, now: Timestamp) -> Place {
        let window = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX).max(1);
        let milliseconds = now.as_millisecond();
        let within = milliseconds.rem_euclid(window);
        Place { window: milliseconds.div_euclid(window), over: within as f64 / window as f64 }
    }

    /// Until there is room for one more; None when there is now.
    pub fn full_for(&self, counted: Counted, place: Place) -> Option<Duration> {
        let room = self.limit.saturating_sub(1) as f64;
        let Counted { before, now } = counted;
        if self.limit > 0 && used(counted, place) <= room {
            return None;
        }
        // When so much of the count has moved out of reach that the rest and one more fit.
        let fits = |count: u64, room: f64| if count == 0 { 1.0 } else { (1.0 - room / count as f64).clamp(0.0, 1.0) };
        let windows = match (now as f64) <= room {
            true => fits(before, room - now as f64) - place.over,
            false => 1.0 - place.over + fits(now, room),
        };
        Some(self.window.mul_f64(windows.max(0.0)).max(Duration::from_millis(1)))
    }

    /// What is left.
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
        // Nine of ten fit with one more once a tenth of the next window is over.
        assert_eq!(seconds(0, 10, 0.5), Some(36));
        assert_eq!(seconds(10, 0, 0.0), Some(6));
        assert_eq!(seconds(10, 0, 0.11), None);
        assert_eq!(seconds(10, 5, 0.5), Some(6));
        // So it really is: a moment later there is room.
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
