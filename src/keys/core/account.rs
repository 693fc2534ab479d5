//! What is known of one key, and of one quota group's share of one model.

use foldhash::HashMap;
use jiff::civil::Date;
use serde::Serialize;

use super::breaker::Breaker;
use super::minute_window::MinuteWindow;
use super::trust::Trust;
use crate::fault::Kind;
use crate::model::ModelName;

/// Models of one key that are counted on one day. There are fewer; a client that makes up names must not fill the memory.
pub const MOST_MODELS: usize = 200;

/// What is known of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Its own state, for every model.
    pub breaker: Breaker,
    /// Requests it serves now.
    pub in_flight: u32,
    /// The number of the pick at which it was taken last; 0 is never.
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

/// What was used for one model on one of Google's days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayUse {
    /// Requests sent.
    pub requests: u64,
    /// Those that failed by the key's or its quota's fault.
    pub failures: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
}

/// What is known of a quota group for one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quota {
    /// Whether it may be used.
    pub breaker: Breaker,
    /// How many may ask at once, as long as it has not shown that it answers.
    pub trust: Trust,
    /// The last fault of it.
    pub last_fault: Option<Kind>,
    /// Requests of the last minute, where there is a limit on them.
    pub requests: MinuteWindow,
    /// Tokens of prompts of the last minute, where there is a limit on them.
    pub tokens: MinuteWindow,
}

impl Quota {
    /// Of which nothing is known yet.
    pub fn new() -> Self {
        Self { trust: Trust::NONE, ..Self::default() }
    }
}

impl Account {
    /// Adds to what was used on a day. A later day begins from nothing; what comes late, of a day that is over, is forgotten.
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

    /// One request that was counted was not sent.
    pub fn uncount(&mut self, day: Date, model: &ModelName) {
        if let Some(used) = self.today.get_mut(model).filter(|_| self.day == Some(day)) {
            used.requests = used.requests.saturating_sub(1);
        }
    }

    /// What was used for a model on this day.
    pub fn used(&self, day: Date, model: &ModelName) -> DayUse {
        let today = (self.day == Some(day)).then(|| self.today.get(model).copied());
        today.flatten().unwrap_or_default()
    }

    /// What was used on this day, by model.
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
