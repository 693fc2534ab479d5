//! Usage of keys, by Google day, key and model: since the process started, and from before if it was stored.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::{CLIENT, Used};

/// Limit on the rows of one day. More than there are keys and models, but a client that invents model names must not
/// exhaust the memory.
const MOST_ROWS: usize = 20_000;
/// The model of the rows beyond.
const OTHERS: &str = "other";

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
    days: BTreeMap<Date, Day>,
}

/// The usage of one day.
#[derive(Debug, Default)]
struct Day {
    /// By the key's id, then by model: a row is found without making a copy of either.
    keys: BTreeMap<String, BTreeMap<String, Sum>>,
    /// How many rows there are.
    rows: usize,
    /// Whether one of them has changed since they were last taken.
    changed: bool,
}

/// The sum of one row.
#[derive(Debug, Default)]
struct Sum {
    amounts: Amounts,
    /// Whether it has changed since it was last taken.
    changed: bool,
}

impl Day {
    fn add(&mut self, key: &str, model: &str, more: &Amounts, changed: bool) {
        self.changed |= changed;
        if let Some(sum) = self.keys.get_mut(key).and_then(|models| models.get_mut(model)) {
            sum.amounts.add(more);
            sum.changed |= changed;
            return;
        }
        let models = self.keys.entry(key.to_owned()).or_default();
        models.insert(model.to_owned(), Sum { amounts: *more, changed });
        self.rows += 1;
    }

    fn has(&self, key: &str, model: &str) -> bool {
        self.keys.get(key).is_some_and(|models| models.contains_key(model))
    }

    fn rows(&self) -> impl Iterator<Item = (&String, &String, &Sum)> {
        self.keys.iter().flat_map(|(key, models)| models.iter().map(move |(model, sum)| (key, model, sum)))
    }

    fn sums_mut(&mut self) -> impl Iterator<Item = (&String, &String, &mut Sum)> {
        self.keys.iter_mut().flat_map(|(key, models)| models.iter_mut().map(move |(model, sum)| (key, model, sum)))
    }

    /// The rows of keys. Rows of clients are stored among them, but are not usage of keys.
    fn of_keys(&self) -> impl Iterator<Item = (&String, &String, &Sum)> {
        self.rows().filter(|(key, ..)| !key.starts_with(CLIENT))
    }
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
        let is_beyond = day.rows >= MOST_ROWS && !day.has(&used.key, &used.model);
        let model = if is_beyond { OTHERS } else { &used.model };
        day.add(&used.key, model, &Amounts::from(used), true);
    }

    /// Adds usage from before this process started to what it has already counted.
    pub fn recall(&self, rows: &[(Row, Amounts)]) {
        let mut book = self.book();
        for ((day, key, model), amounts) in rows {
            book.days.entry(*day).or_default().add(key, model, amounts, false);
        }
    }

    /// All recorded usage.
    pub fn rows(&self) -> Vec<Used> {
        let book = self.book();
        let rows = book.days.iter().flat_map(|(day, rows)| rows.rows().map(move |row| (*day, row)));
        rows.map(|(day, (key, model, sum))| used(&((day, key.clone(), model.clone()), sum.amounts))).collect()
    }

    /// The rows that have changed since the last call, with their sums.
    pub fn take_changed(&self) -> Vec<(Row, Amounts)> {
        let mut taken = Vec::new();
        for (day, rows) in &mut self.book().days {
            if mem::take(&mut rows.changed) {
                let changed = rows.sums_mut().filter_map(|(key, model, sum)| {
                    mem::take(&mut sum.changed).then(|| ((*day, key.clone(), model.clone()), sum.amounts))
                });
                taken.extend(changed);
            }
        }
        taken
    }

    /// Marks all rows as changed.
    pub fn change_all(&self) {
        for rows in self.book().days.values_mut() {
            rows.changed = true;
            rows.sums_mut().for_each(|(.., sum)| sum.changed = true);
        }
    }

    /// Forgets all but the last `keep_days` days. Returns the first day that is kept.
    pub fn prune(&self, keep_days: u16) -> Option<Date> {
        let mut book = self.book();
        let (latest, _) = book.days.last_key_value()?;
        let first = latest.checked_sub((i64::from(keep_days) - 1).days()).ok()?;
        book.days.retain(|day, _| *day >= first);
        Some(first)
    }

    /// Usage for `/stats`.
    pub fn status(&self) -> UsageStatus {
        let book = self.book();
        let mut status = UsageStatus::default();
        for (day, rows) in &book.days {
            let mut sum = Amounts::default();
            rows.of_keys().for_each(|(.., row)| sum.add(&row.amounts));
            status.days.insert(day.to_string(), sum);
        }
        for (key, model, sum) in book.days.last_key_value().into_iter().flat_map(|(_, rows)| rows.of_keys()) {
            status.today.entry(key.clone()).or_default().insert(model.clone(), sum.amounts);
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
        usage.change_all();
        assert_eq!(usage.take_changed(), changed);
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

        // What was stored comes back row by row: the limit is for what is new.
        let again = Usage::default();
        let stored: Vec<_> = usage.take_changed().into_iter().rev().collect();
        again.recall(&stored);
        assert_eq!(again.rows().len(), MOST_ROWS + 1);
        assert_eq!(again.status().today["k"]["other"].requests, 10);
    }
}
