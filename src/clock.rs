//! A moment, passed in wherever time matters, so that nothing below the doors reads a clock and tests own time.

use std::time::Duration;

use jiff::Timestamp;

/// One moment on both clocks: a monotonic one for durations, which no clock change moves, and the wall clock for calendars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time since the process started.
    pub since_start: Duration,
    /// Wall clock, UTC.
    pub wall: Timestamp,
}

impl Moment {
    /// This much later on both clocks.
    pub fn plus(self, duration: Duration) -> Self {
        Self { since_start: self.since_start.saturating_add(duration), wall: self.wall_after(duration) }
    }

    /// The wall clock at a monotonic moment.
    pub fn wall_at(self, since_start: Duration) -> Timestamp {
        self.wall_after(since_start.saturating_sub(self.since_start))
    }

    fn wall_after(self, duration: Duration) -> Timestamp {
        self.wall.saturating_add(duration).unwrap_or(Timestamp::MAX)
    }
}

/// The process's clock. Only `runtime` and the doors hold one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self { start: std::time::Instant::now() }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment { since_start: self.start.elapsed(), wall: Timestamp::now() }
    }
}
