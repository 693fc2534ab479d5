//! A point in time, passed in wherever time matters, so that only the outermost code reads a clock, and tests control
//! time.

use std::time::Duration;

use jiff::Timestamp;

/// A point in time on both clocks: a monotonic one for durations, which clock changes do not affect, and the wall clock
/// for calendars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time since the process started; on Linux it includes time during which the machine was suspended.
    pub since_start: Duration,
    /// Wall clock, UTC.
    pub wall: Timestamp,
}

impl Moment {
    /// This much later on both clocks.
    pub fn plus(self, duration: Duration) -> Self {
        Self { since_start: self.since_start.saturating_add(duration), wall: self.wall_after(duration) }
    }

    /// The wall clock time at a monotonic time.
    pub fn wall_at(self, since_start: Duration) -> Timestamp {
        self.wall_after(since_start.saturating_sub(self.since_start))
    }

    fn wall_after(self, duration: Duration) -> Timestamp {
        self.wall.saturating_add(duration).unwrap_or(Timestamp::MAX)
    }
}

/// The process's clock. Only `runtime` and the entry points (server, command line) hold one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Duration,
}

impl Clock {
    /// Starts the clock now.
    pub fn start() -> Self {
        Self { start: since_boot() }
    }

    /// The current time.
    pub fn now(&self) -> Moment {
        Moment { since_start: since_boot().saturating_sub(self.start), wall: Timestamp::now() }
    }
}

/// Unlike `Instant`, this clock continues while the machine is suspended: a key's cooldown ends when Google says, not
/// later by the time that a laptop's lid was closed.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static FIRST: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_only_goes_forward_and_not_slower_than_any_other() {
        let (clock, other) = (Clock::start(), std::time::Instant::now());
        let mut last = clock.now();
        for _ in 0..1000 {
            let least = other.elapsed();
            let now = clock.now();
            assert!(now.since_start >= last.since_start && now.since_start >= least);
            last = now;
        }
    }
}
