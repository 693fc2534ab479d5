//! What a client has used, and whether it may use more. Accounts outlive every configuration. Daily and monthly usage
//! also survives a restart and is shared by replicas: it is recorded like the usage of keys, under an id that no key
//! can have.
//!
//! Each client has one lock: checking and counting are a single step, so that concurrent requests never exceed a
//! request limit. Tokens are known only when an answer ends, so requests in flight may exceed a token limit or a
//! budget, once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::limits::{Limits, NANO};
use super::rate::{Counted, Place, Rate};
use super::visit::Admission;
use crate::allowance::{Allowance, Left};
use crate::clock::Moment;
use crate::error::Error;
use crate::pacific::{self, Today};
use crate::store::{Bounds, CLIENT, Observer, Store, Table, Used};
use crate::sync::{Mutex, MutexGuard};

/// Bounds of the window counts: a few for each client.
const WINDOWS: Bounds =
    Bounds { bytes: 8 * 1024 * 1024, largest: 32, kept: Duration::from_secs(2 * 24 * 3600), most: None };
/// The name under which money is counted, in place of a model. No model has this name.
const MONEY: &str = "$";
/// When a client with too many concurrent requests may retry.
const SOON: Duration = Duration::from_secs(1);

/// All accounts. Clones share them.
#[derive(Clone, Debug)]
pub struct Accounts {
    all: Arc<Mutex<HashMap<String, Arc<Account>>>>,
    store: Store,
    windows: Table,
}

/// The account of one client.
pub struct Account {
    name: String,
    /// Its id in usage records, where a key's id would be.
    id: String,
    book: Mutex<Book>,
    store: Store,
    windows: Table,
}

#[derive(Debug, Default)]
struct Book {
    today: Today,
    day: Date,
    in_flight: u64,
    requests_today: u64,
    tokens_this_month: u64,
    nanodollars_this_month: u64,
}

/// An account as reported in status output.
#[derive(Debug, Serialize)]
pub struct AccountStatus {
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests on the current Google day.
    pub requests_today: u64,
    /// Tokens in the current month.
    pub tokens_this_month: u64,
    /// Cost of the current month in US dollars, as far as prices are known.
    pub usd_this_month: f64,
}

impl Accounts {
    /// An empty set of accounts.
    pub fn of(store: &Store) -> Self {
        Self { all: Arc::default(), windows: store.table("window", WINDOWS), store: store.clone() }
    }

    /// The account of this client.
    pub fn open(&self, name: &str) -> Arc<Account> {
        let open = || {
            Arc::new(Account {
                name: name.to_owned(),
                id: id(name),
                book: Mutex::default(),
                store: self.store.clone(),
                windows: self.windows.clone(),
            })
        };
        self.all().entry(id(name)).or_insert_with(open).clone()
    }

    /// Adds usage from before a restart or from other replicas. Returns the records that are not about clients.
    pub fn recall<'u>(&self, used: &'u [Used], now: Moment) -> Vec<&'u Used> {
        let (ours, others): (Vec<&Used>, Vec<&Used>) = used.iter().partition(|used| used.is_clients());
        for used in ours {
            if let Some(name) = name(&used.key) {
                self.open(&name).recall(used, now);
            }
        }
        others
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Account>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Admits a request and counts it, or returns why it is rejected.
    ///
    /// # Errors
    /// Status 429, with the time after which to retry.
    pub fn admit(self: &Arc<Self>, limits: &Limits, now: Moment) -> Result<Admission, Error> {
        let mut book = self.book();
        book.turn(now);
        self.within(limits, &book, now)?;
        book.in_flight += 1;
        book.requests_today += 1;
        if let Some(rate) = &limits.requests {
            self.count("r", rate, 1, now.wall);
        }
        let day = book.day;
        drop(book);
        Ok(Admission::first(self.clone(), limits.tokens, day))
    }

    fn within(&self, limits: &Limits, book: &Book, now: Moment) -> Result<(), Error> {
        let spent = |limit: Option<u64>, used: u64| limit.filter(|limit| used >= *limit);
        let who = &self.name;
        if let Some(limit) = spent(limits.monthly_tokens, book.tokens_this_month) {
            return Err(over_budget(format!("The {limit} tokens of client `{who}` for this month are used up."), now));
        }
        if let Some(limit) = spent(limits.monthly_nanodollars, book.nanodollars_this_month) {
            let usd = limit as f64 / NANO;
            return Err(over_budget(format!("The budget of client `{who}` for this month, ${usd}, is spent."), now));
        }
        if let Some(limit) = spent(limits.daily_requests, book.requests_today) {
            let rest = pacific::until_midnight(now);
            let message = format!("Rate limit reached for client `{who}`: {limit} requests per day.");
            return Err(Error::limited("requests", message, rest));
        }
        if let Some(limit) = spent(limits.at_once, book.in_flight) {
            let message = format!("Rate limit reached for client `{who}`: {limit} requests at once.");
            return Err(Error::limited("requests", message, SOON));
        }
        for (what, kind, rate) in [("requests", "r", &limits.requests), ("tokens", "t", &limits.tokens)] {
            let Some(rate) = rate else { continue };
            let place = rate.place(now.wall);
            if let Some(rest) = rate.full_for(self.counted(kind, place), place) {
                let seconds = rate.window.as_secs();
                let message =
                    format!("Rate limit reached for client `{who}`: {} {what} in {seconds} seconds.", rate.limit);
                return Err(Error::limited(what, message, rest));
            }
        }
        Ok(())
    }

    /// What the client may still use; None if it has no limits that headers report.
    pub fn allowance(&self, limits: &Limits, now: Moment) -> Option<Allowance> {
        let left = |kind: &str, rate: &Rate| {
            let place = rate.place(now.wall);
            rate.left(self.counted(kind, place), place)
        };
        let of_day = limits.daily_requests.map(|limit| {
            let mut book = self.book();
            book.turn(now);
            let remaining = limit.saturating_sub(book.requests_today);
            Left { limit, remaining, reset: pacific::until_midnight(now) }
        });
        // Of two request limits, the one that is reached first.
        let requests = limits.requests.as_ref().map(|rate| left("r", rate));
        let requests = requests.into_iter().chain(of_day).min_by_key(|left| left.remaining);
        let tokens = limits.tokens.as_ref().map(|rate| left("t", rate));
        (requests.is_some() || tokens.is_some()).then_some(Allowance { requests, tokens, now: now.wall })
    }

    /// The account for status output.
    pub fn status(&self, now: Moment) -> AccountStatus {
        let mut book = self.book();
        book.turn(now);
        AccountStatus {
            in_flight: book.in_flight,
            requests_today: book.requests_today,
            tokens_this_month: book.tokens_this_month,
            usd_this_month: book.nanodollars_this_month as f64 / NANO,
        }
    }

    /// Books a finished visit. The end of a part does not release the request's slot.
    pub(super) fn charge(&self, visit: &Admission) {
        let tokens = visit.prompt.saturating_add(visit.completion);
        let first = u64::from(visit.first);
        {
            let mut book = self.book();
            book.in_flight = book.in_flight.saturating_sub(first);
            // Usage of a visit that began in an earlier month belongs to that month.
            if (visit.day.year(), visit.day.month()) == (book.day.year(), book.day.month()) {
                book.tokens_this_month = book.tokens_this_month.saturating_add(tokens);
                book.nanodollars_this_month = book.nanodollars_this_month.saturating_add(visit.nanodollars);
            }
        }
        if let (Some(rate), Some(at)) = (&visit.tokens, visit.at) {
            self.count("t", rate, tokens, at);
        }
        let used = |model: &str, requests, prompt_tokens, completion_tokens| Used {
            key: self.id.clone(),
            model: model.to_owned(),
            day: visit.day,
            requests,
            failures: 0,
            prompt_tokens,
            completion_tokens,
        };
        if first + tokens > 0 {
            Observer::used(&self.store, &used(&visit.model, first, visit.prompt, visit.completion));
        }
        if visit.nanodollars > 0 {
            Observer::used(&self.store, &used(MONEY, 0, visit.nanodollars, 0));
        }
    }

    fn recall(&self, used: &Used, now: Moment) {
        let mut book = self.book();
        book.turn(now);
        if used.day == book.day {
            book.requests_today = book.requests_today.saturating_add(used.requests);
        }
        if (used.day.year(), used.day.month()) == (book.day.year(), book.day.month()) {
            let more = used.prompt_tokens.saturating_add(used.completion_tokens);
            let sum = match used.model.as_str() {
                MONEY => &mut book.nanodollars_this_month,
                _ => &mut book.tokens_this_month,
            };
            *sum = sum.saturating_add(more);
        }
    }

    fn count(&self, kind: &str, rate: &Rate, by: u64, now: Timestamp) {
        let row = self.row(kind, rate.place(now).window);
        self.windows.add(&row, i64::try_from(by).unwrap_or(i64::MAX), rate.window.saturating_mul(2));
    }

    fn counted(&self, kind: &str, place: Place) -> Counted {
        let count = |window| {
            let row = self.windows.get(&self.row(kind, window));
            row.and_then(|row| std::str::from_utf8(&row).ok()?.parse::<i64>().ok()).map_or(0, i64::unsigned_abs)
        };
        Counted { before: count(place.window - 1), now: count(place.window) }
    }

    fn row(&self, kind: &str, window: i64) -> String {
        format!("{}/{kind}/{window}", self.id)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Code that panicked while holding the lock had added to single numbers only, so the book is still consistent.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Starts a new day, and a new month, if one has begun.
    fn turn(&mut self, now: Moment) {
        let day = self.today.of(now);
        if day == self.day {
            return;
        }
        self.requests_today = 0;
        if (day.year(), day.month()) != (self.day.year(), self.day.month()) {
            (self.tokens_this_month, self.nanodollars_this_month) = (0, 0);
        }
        self.day = day;
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Account").field(&self.name).finish()
    }
}

fn over_budget(message: String, now: Moment) -> Error {
    Error::over_budget(
        format!("{message} The operator may raise it; a new month begins at midnight Pacific time."),
        pacific::until_month(now),
    )
}

/// The account's id in usage records, where a key's id would be. Contains no space.
fn id(name: &str) -> String {
    format!("{CLIENT}{}", url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>())
}

fn name(id: &str) -> Option<String> {
    let encoded = id.strip_prefix(CLIENT)?;
    url::form_urlencoded::parse(encoded.as_bytes()).next().map(|(name, _)| name.into_owned())
}
