//! Usage of keys, by Google day, key and model: since the process started, and from before if it was stored.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::{CLIENT, Used};

/// Limit on the rows of one day. More than there are keys and models, but a client that invents model names must not
/// exhaust the memory.
const MOST_ROWS: usize = 20_000;

/// Identifies a row: the day, the key's id, the model.
pub type Row = (Date, String, String);

/// Amounts used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// Requests sent.
    pub requests: u64,
    /// Those that failed by the key's or its quota's fault.
    pub failures: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Completion tokens.
    pub completion_tokens: u64,
}

/// Usage of keys.
#[derive(Debug, Default)]
pub struct Usage(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    days: BTreeMap<Date, BTreeMap<(String, String), Amounts>>,
    changed: HashSet<Row>,
}

/// Usage as `/stats` shows it: the latest day in full, and the sums of each day on record.
#[derive(Debug, Default, Serialize)]
pub struct UsageStatus {
    /// The latest day: by key id, then by model.
    pub today: BTreeMap<String, BTreeMap<String, Amounts>>,
    /// Sums by day.
    pub days: BTreeMap<String, Amounts>,
}

impl Usage {
    /// Adds usage.
    pub fn add(&self, used: &Used) {
        let mut book = self.book();
        let day = book.days.entry(used.day).or_default();
        let mut row = (used.key.clone(), used.model.clone());
        if day.len() >= MOST_ROWS && !day.contains_key(&row) {
            row.1 = "other".to_owned();
        }
        day.entry(row.clone()).or_default().add(&Amounts::from(used));
        book.changed.insert((used.day, row.0, row.1));
    }

    /// Adds usage from before this process started to what it has already counted.
    pub fn recall(&self, rows: &[(Row, Amounts)]) {
        let mut book = self.book();
        for ((day, key, model), amounts) in rows {
            book.days.entry(*day).or_default().entry((key.clone(), model.clone())).or_default().add(amounts);
        }
    }

    /// All recorded usage.
    pub fn rows(&self) -> Vec<Used> {
        let book = self.book();
        let rows = book.days.iter().flat_map(|(day, rows)| rows.iter().map(move |row| (*day, row)));
        rows.map(|(day, ((key, model), amounts))| used(&((day, key.clone(), model.clone()), *amounts))).collect()
    }

    /// The rows that have changed since the last call, with their sums.
    pub fn take_changed(&self) -> Vec<(Row, Amounts)> {
        let mut book = self.book();
        let changed = std::mem::take(&mut book.changed);
        changed
            .into_iter()
            .filter_map(|(day, key, model)| {
                let amounts = *book.days.get(&day)?.get(&(key.clone(), model.clone()))?;
                Some(((day, key, model), amounts))
            })
            .collect()
    }

    /// Marks all rows as changed.
    pub fn change_all(&self) {
        let mut book = self.book();
        let rows =
            book.days.iter().flat_map(|(day, rows)| rows.keys().map(|(key, model)| (*day, key.clone(), model.clone())));
        book.changed = rows.collect();
    }

    /// Forgets all but the last `keep_days` days. Returns the first day that is kept.
    pub fn prune(&self, keep_days: u16) -> Option<Date> {
        let mut book = self.book();
        let (latest, _) = book.days.last_key_value()?;
        let first = latest.checked_sub((i64::from(keep_days) - 1).days()).ok()?;
        book.days.retain(|day, _| *day >= first);
        book.changed.retain(|(day, ..)| *day >= first);
        Some(first)
    }

    /// Usage for `/stats`.
    pub fn status(&self) -> UsageStatus {
        let book = self.book();
        let mut status = UsageStatus::default();
        for (day, rows) in &book.days {
            let mut sum = Amounts::default();
            keys(rows).for_each(|(_, amounts)| sum.add(amounts));
            status.days.insert(day.to_string(), sum);
        }
        for ((key, model), amounts) in book.days.last_key_value().into_iter().flat_map(|(_, rows)| keys(rows)) {
            status.today.entry(key.clone()).or_default().insert(model.clone(), *amounts);
        }
        status
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Code that panicked while holding the lock had added to single numbers only, so the book is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Amounts {
    fn add(&mut self, more: &Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.failures = self.failures.saturating_add(more.failures);
        self.prompt_tokens = self.prompt_tokens.saturating_add(more.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(more.completion_tokens);
    }
}

impl From<&Used> for Amounts {
    fn from(used: &Used) -> Self {
        Self {
            requests: used.requests,
            failures: used.failures,
            prompt_tokens: used.prompt_tokens,
            completion_tokens: used.completion_tokens,
        }
    }
}

/// The rows of keys. Rows of clients are stored among them, but are not usage of keys.
fn keys(rows: &BTreeMap<(String, String), Amounts>) -> impl Iterator<Item = (&(String, String), &Amounts)> {
    rows.iter().filter(|((key, _), _)| !key.starts_with(CLIENT))
}

/// A row in the form that the ledger accepts.
pub fn used(((day, key, model), amounts): &(Row, Amounts)) -> Used {
    Used {
        key: key.clone(),
        model: model.clone(),
        day: *day,
        requests: amounts.requests,
        failures: amounts.failures,
        prompt_tokens: amounts.prompt_tokens,
        completion_tokens: amounts.completion_tokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, day: &str) -> Used {
        let row = (day.parse().unwrap(), key.to_owned(), "m".to_owned());
        used(&(row, Amounts { requests: 1, prompt_tokens: 7, ..Amounts::default() }))
    }

    #[test]
    fn what_has_changed_is_told_once_with_its_sum() {
        let usage = Usage::default();
        usage.recall(&[(
            ("2026-11-24".parse().unwrap(), "k".into(), "m".into()),
            Amounts { requests: 5, ..Amounts::default() },
        )]);
        assert!(usage.take_changed().is_empty(), "what was kept needs no keeping");
        (0..3).for_each(|_| usage.add(&one("k", "2026-11-24")));
        let changed = usage.take_changed();
        assert_eq!((changed.len(), changed[0].1.requests, changed[0].1.prompt_tokens), (1, 8, 21));
        assert!(usage.take_changed().is_empty());
    }

    #[test]
    fn old_days_are_forgotten() {
        let usage = Usage::default();
        for day in ["2026-10-01", "2026-11-22", "2026-11-23", "2026-11-24"] {
            usage.add(&one("k", day));
        }
        assert_eq!(usage.prune(2), Some("2026-11-23".parse().unwrap()));
        assert_eq!(usage.status().days.into_keys().collect::<Vec<_>>(), ["2026-11-23", "2026-11-24"]);
        assert_eq!(usage.take_changed().len(), 2);
    }

    #[test]
    fn a_flood_of_models_is_one_row() {
        let usage = Usage::default();
        for number in 0..MOST_ROWS + 10 {
            usage.add(&Used { model: format!("m{number}"), ..one("k", "2026-11-24") });
        }
        assert_eq!(usage.status().today["k"]["other"].requests, 10);
    }
}
