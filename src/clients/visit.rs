//! A request that was admitted. Dropping it, however the request ended, releases its slot and books its usage.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::account::Account;
use super::rate::Rate;

/// A request that was admitted, or a part of one.
#[derive(Debug)]
pub struct Admission {
    account: Arc<Account>,
    /// Whether it is the request itself, not a part.
    pub(super) first: bool,
    pub(super) tokens: Option<Rate>,
    pub(super) day: Date,
    pub(super) at: Option<Timestamp>,
    pub(super) model: String,
    pub(super) prompt: u64,
    pub(super) completion: u64,
    pub(super) nanodollars: u64,
}

impl Admission {
    pub(super) fn first(account: Arc<Account>, tokens: Option<Rate>, day: Date) -> Self {
        let model = String::new();
        Self { account, first: true, tokens, day, at: None, model, prompt: 0, completion: 0, nanodollars: 0 }
    }

    /// A visit for a part of this one's work.
    pub fn part(&self) -> Self {
        let mut part = Self::first(self.account.clone(), self.tokens, self.day);
        part.first = false;
        part
    }

    /// Sets what was used so far: totals, not increments.
    pub fn used(&mut self, model: &str, tokens: (u64, u64), nanodollars: u64, now: Timestamp) {
        model.clone_into(&mut self.model);
        (self.prompt, self.completion) = tokens;
        self.nanodollars = nanodollars;
        self.at = Some(now);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.account.clone().charge(self);
    }
}
