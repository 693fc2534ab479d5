//! What is known about one key, and about one quota group for one model.

use foldhash::HashMap;
use jiff::civil::Date;
use serde::Serialize;

use super::breaker::Breaker;
use super::minute_window::MinuteWindow;
use super::trust::Trust;
use crate::fault::Kind;
use crate::model::ModelName;

/// Limit on the models counted per key and day. There are fewer real ones, but a client that invents names must not
/// exhaust the memory.
pub const MOST_MODELS: usize = 200;

/// What is known about one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Its own breaker, which applies to every model.
    pub breaker: Breaker,
    /// Requests in flight.
    pub in_flight: u32,
    /// Sequence number of the pick that last took this key; 0 means never.
    pub last_pick: u64,
    /// Requests it was taken for, since the process started.
    pub requests: u64,
    /// Those that failed by its own or its quota's fault.
    pub failures: u64,
    /// The last such fault.
    pub last_fault: Option<Kind>,
    day: Option<Date>,
    today: HashMap<ModelName, DayUse>,
}

/// Usage of one model on one Google day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayUse {
    /// Requests sent.
    pub requests: u64,
    /// Those that failed by the key's or its quota's fault.
    pub failures: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Completion tokens.
    pub completion_tokens: u64,
}

/// What is known about a quota group for one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quota {
    /// Whether the quota may be used.
    pub breaker: Breaker,
    /// How many requests may be in flight while the quota has not yet proved that it answers.
    pub trust: Trust,
    /// The last fault of this quota.
    pub last_fault: Option<Kind>,
    /// Requests in the last minute, if they are limited.
    pub requests: MinuteWindow,
    /// Prompt tokens in the last minute, if they are limited.
    pub tokens: MinuteWindow,
}

impl Quota {
    /// A quota about which nothing is known yet.
    pub fn new() -> Self {
        Self { trust: Trust::NONE, ..Self::default() }
    }
}

impl Account {
    /// Adds to the usage of a day. A later day starts from zero; late reports about a past day are dropped.
    pub fn count(&mut self, day: Date, model: &ModelName, more: &DayUse) {
        if self.day.is_none_or(|known| known < day) {
            self.day = Some(day);
            self.today.clear();
        }
        if self.day != Some(day) || (self.today.len() >= MOST_MODELS && !self.today.contains_key(model)) {
            return;
        }
        self.today.entry(model.clone()).or_default().add(more);
    }

    /// Uncounts one request that was not sent after all.
    pub fn uncount(&mut self, day: Date, model: &ModelName) {
        if let Some(used) = self.today.get_mut(model).filter(|_| self.day == Some(day)) {
            used.requests = used.requests.saturating_sub(1);
        }
    }

    /// Usage of a model on this day.
    pub fn used(&self, day: Date, model: &ModelName) -> DayUse {
        let today = (self.day == Some(day)).then(|| self.today.get(model).copied());
        today.flatten().unwrap_or_default()
    }

    /// Usage on this day, by model.
    pub fn used_on(&self, day: Date) -> impl Iterator<Item = (&ModelName, &DayUse)> {
        self.today.iter().filter(move |_| self.day == Some(day))
    }
}

impl DayUse {
    fn add(&mut self, more: &Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.failures = self.failures.saturating_add(more.failures);
        self.prompt_tokens = self.prompt_tokens.saturating_add(more.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(more.completion_tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Date = jiff::civil::date(2026, 11, 24);

    fn model(name: &str) -> ModelName {
        ModelName::parse(name).unwrap()
    }

    fn requests(requests: u64) -> DayUse {
        DayUse { requests, ..DayUse::default() }
    }

    #[test]
    fn names_that_are_made_up_do_not_fill_the_memory() {
        let mut account = Account::default();
        (0..=MOST_MODELS).for_each(|number| account.count(DAY, &model(&format!("m{number}")), &requests(1)));
        assert_eq!(account.used_on(DAY).count(), MOST_MODELS);
        account.count(DAY, &model("m0"), &requests(1));
        assert_eq!(account.used(DAY, &model("m0")), requests(2), "what is known is counted on");
    }

    #[test]
    fn a_request_that_was_not_sent_is_taken_from_its_own_day() {
        let (mut account, model) = (Account::default(), model("a"));
        account.count(DAY, &model, &requests(2));
        account.uncount(DAY.tomorrow().unwrap(), &model);
        assert_eq!(account.used(DAY, &model), requests(2));
        account.uncount(DAY, &model);
        assert_eq!(account.used(DAY, &model), requests(1));
    }
}
