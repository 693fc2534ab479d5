//! A moment, passed in wherever time matters, so that nothing below the doors reads a clock and tests own time.

use std::time::Duration;

use jiff::Timestamp;

/// One moment on both clocks: a monotonic one for durations, which no clock change moves, and the wall clock for calendars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time since the process started; a machine that sleeps ages all the same.
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
    start: Duration,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self { start: since_boot() }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment { since_start: since_boot().saturating_sub(self.start), wall: Timestamp::now() }
    }
}

/// Unlike `Instant`, this clock goes on while the machine is suspended: a key's rest ends when Google says, not as much later as a
/// laptop's lid was closed.
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
