//! A virtual Google: the minute and day quotas of each project and model, and how it answers when they are used up.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::{Request, Terms};
use crate::fault::{Blame, Fault, Kind};
use crate::model::ModelName;

const MINUTE: Duration = Duration::from_secs(60);
/// The trial begins at midnight in Los Angeles.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The quotas of each project, per model.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Requests per minute.
    pub rpm: usize,
    /// Requests per day.
    pub rpd: u64,
}

/// Usage so far.
pub struct Google {
    terms: Terms,
    minutes: HashMap<(usize, ModelName), VecDeque<Duration>>,
    days: HashMap<(usize, ModelName, u64), u64>,
}

/// A rejection with status 429.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The fault, as an adapter reads it.
    pub fault: Fault,
    /// When the quota is available again.
    pub rest_ends: Duration,
}

impl Google {
    pub fn new(terms: &Terms) -> Self {
        Self { terms: *terms, minutes: HashMap::new(), days: HashMap::new() }
    }

    /// Handles a request on a key; returns the rejection, if it is rejected. Rejected requests use up no quota.
    pub fn asked(&mut self, key: usize, request: &Request, now: Duration) -> Option<Refusal> {
        let project = key % self.terms.projects;
        let today = now.as_secs() / DAY.as_secs();
        let day = self.days.entry((project, request.model.clone(), today)).or_default();
        if *day >= self.terms.quotas.rpd {
            let ends = DAY.saturating_mul(u32::try_from(today + 1).unwrap_or(u32::MAX));
            // Google's hint is in seconds here, too.
            return Some(refusal(Kind::DayQuota, Duration::from_secs(30), ends));
        }
        let minute = self.minutes.entry((project, request.model.clone())).or_default();
        while minute.front().is_some_and(|first| now.saturating_sub(*first) >= MINUTE) {
            minute.pop_front();
        }
        if minute.len() >= self.terms.quotas.rpm {
            let left = minute.front().map_or(MINUTE, |first| (*first + MINUTE).saturating_sub(now));
            return Some(refusal(Kind::RateLimited, left, now + left));
        }
        minute.push_back(now);
        *day += 1;
        None
    }
}

fn refusal(kind: Kind, hint: Duration, rest_ends: Duration) -> Refusal {
    let fault = Fault { retry_after: Some(hint), status: Some(429), ..Fault::new(kind, Blame::Quota, "") };
    Refusal { fault, rest_ends }
}
