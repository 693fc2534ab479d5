//! The activity of the last five minutes in intervals of two seconds, so the dashboard has a chart to show as soon as
//! it opens.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::tally::FinishedRequest;

/// Length of an interval.
const BEAT: Duration = Duration::from_secs(2);
/// Number of intervals kept.
const BEATS: usize = 150;

/// The activity of the last five minutes.
#[derive(Debug)]
pub struct Timeline {
    began: Instant,
    beats: Mutex<VecDeque<(u64, Interval)>>,
}

/// Requests that ended within one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Requests answered.
    pub answered: u32,
    /// Requests rejected with a 4xx or abandoned by the client.
    pub client_errors: u32,
    /// Requests that failed.
    pub server_errors: u32,
    /// Tokens of prompts and answers.
    pub tokens: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { began: Instant::now(), beats: Mutex::default() }
    }
}

impl Timeline {
    pub(super) fn beat(&self, over: &FinishedRequest<'_>) {
        let now = self.now();
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        if beats.back().is_none_or(|(last, _)| *last < now) {
            beats.push_back((now, Interval::default()));
            if beats.len() > BEATS {
                beats.pop_front();
            }
        }
        let Some((_, beat)) = beats.back_mut() else { return };
        match over.status {
            500.. => beat.server_errors += 1,
            400.. => beat.client_errors += 1,
            _ => beat.answered += 1,
        }
        beat.tokens += over.tokens.0 + over.tokens.1;
    }

    /// All completed intervals, oldest first, including empty ones.
    pub fn beats(&self) -> Vec<Interval> {
        let now = self.now();
        let first = now.saturating_sub(BEATS as u64);
        let mut shown = vec![Interval::default(); usize::try_from(now - first).unwrap_or_default()];
        let beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, beat) in beats.iter() {
            let place = at.checked_sub(first).and_then(|place| usize::try_from(place).ok());
            if let Some(place) = place.and_then(|place| shown.get_mut(place)) {
                *place = *beat;
            }
        }
        shown
    }

    fn now(&self) -> u64 {
        (self.began.elapsed().as_secs()) / BEAT.as_secs()
    }
}
