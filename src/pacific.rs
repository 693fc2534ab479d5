//! Google's day and month: daily quotas are reset at midnight Pacific time (ai.google.dev/gemini-api/docs/rate-limits,
//! November 2026). Time zone data is built in.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::clock::Moment;

/// The time zone of Google's days.
const GOOGLE: &str = "America/Los_Angeles";

/// Time from `now` to the next midnight in Los Angeles.
pub fn until_midnight(now: Moment) -> Duration {
    let midnight = next_midnight(now.wall);
    // The built-in data contains Los Angeles; without it, a whole day is the honest guess.
    let left = midnight.map(|midnight| midnight.duration_since(now.wall));
    left.and_then(|left| Duration::try_from(left).ok()).unwrap_or(Duration::from_secs(24 * 3600))
}

/// Time from `now` to the beginning of the next month in Los Angeles.
pub fn until_month(now: Moment) -> Duration {
    let next = || {
        let local = now.wall.in_tz(GOOGLE).ok()?;
        let first = local.date().first_of_month().checked_add(1.month()).ok()?;
        Duration::try_from(first.in_tz(GOOGLE).ok()?.timestamp().duration_since(now.wall)).ok()
    };
    next().unwrap_or(Duration::from_secs(31 * 24 * 3600))
}

/// The current Google day, remembered until it ends: computing it for every request would cost more than choosing its
/// key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Today(Option<(Timestamp, Timestamp, Date)>);

impl Today {
    /// The day at this time.
    pub fn of(&mut self, now: Moment) -> Date {
        if let Some((from, to, date)) = self.0
            && (from..to).contains(&now.wall)
        {
            return date;
        }
        let date = now.wall.in_tz(GOOGLE).map_or(Date::MIN, |local| local.date());
        self.0 = next_midnight(now.wall).map(|end| (now.wall, end, date));
        date
    }
}

fn next_midnight(now: Timestamp) -> Option<Timestamp> {
    let local = now.in_tz(GOOGLE).ok()?;
    // Both daylight saving changes are at 2 o'clock, so each day has one midnight.
    let tomorrow = local.date().checked_add(1.day()).ok()?;
    Some(tomorrow.in_tz(GOOGLE).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a container without time zone data, the built-in data is used.
    #[test]
    fn the_time_zone_is_built_in() {
        let built_in = jiff::tz::TimeZoneDatabase::bundled();
        let zone = built_in.get(GOOGLE).unwrap();
        let midnight = zone.to_timestamp("2026-11-25T00:00:00".parse().unwrap()).unwrap();
        assert_eq!(midnight.to_string(), "2026-11-25T08:00:00Z");
    }

    #[test]
    fn midnights_with_and_without_summer_time() {
        for (now, midnight) in [
            ("2026-11-23T21:00:00Z", "2026-11-24T08:00:00Z"),
            ("2026-07-01T12:00:00Z", "2026-07-02T07:00:00Z"),
            // The day of 23 hours, and the day of 25.
            ("2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"),
            ("2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"),
            // Exactly at midnight, the next one counts.
            ("2026-07-02T07:00:00Z", "2026-07-03T07:00:00Z"),
            ("2026-07-02T06:59:59Z", "2026-07-02T07:00:00Z"),
        ] {
            assert_eq!(next_midnight(now.parse().unwrap()), Some(midnight.parse().unwrap()), "{now}");
        }
    }

    #[test]
    fn the_day_ends_at_googles_midnight_and_not_at_ours() {
        let mut today = Today::default();
        for (wall, date) in [
            ("2026-11-24T07:59:59Z", "2026-11-23"),
            ("2026-11-24T08:00:00Z", "2026-11-24"),
            ("2026-11-25T00:00:00Z", "2026-11-24"),
            // The clock was set back.
            ("2026-11-23T12:00:00Z", "2026-11-23"),
        ] {
            let now = Moment { since_start: Duration::ZERO, wall: wall.parse().unwrap() };
            assert_eq!(today.of(now).to_string(), date, "{wall}");
        }
    }

    #[test]
    fn every_day_of_seventeen_years_has_one() {
        let mut now: Timestamp = "2024-01-01T08:00:00Z".parse().unwrap();
        let end: Timestamp = "2041-01-01T08:00:00Z".parse().unwrap();
        while now < end {
            let next = next_midnight(now).unwrap();
            let hours = next.duration_since(now).as_hours();
            assert!((23..=25).contains(&hours), "{now} to {next}");
            now = next;
        }
    }
}
