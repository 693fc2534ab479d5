//! The state of `top`, and the user's view settings. Pure: takes events and key presses, returns rows.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::feed::FeedMessage;

/// Maximum number of finished requests that are kept.
const MOST: usize = 300;

/// The order of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// In the order of the configuration.
    #[default]
    Configured,
    /// Keys that cannot serve first.
    Trouble,
    /// Keys with the most requests in flight first.
    Busy,
    /// Keys with the most failures first.
    Failures,
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Self::Configured => Self::Trouble,
            Self::Trouble => Self::Busy,
            Self::Busy => Self::Failures,
            Self::Failures => Self::Configured,
        }
    }

    /// Returns a short description.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configured => "as configured",
            Self::Trouble => "problems first",
            Self::Busy => "busiest first",
            Self::Failures => "most failures first",
        }
    }
}

/// A key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Letter(char),
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    Interrupt,
}

/// What a key press asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Stay,
    Leave,
}

/// The state received from the server, and the view settings.
#[derive(Debug)]
pub struct State {
    /// The URL of the server.
    pub server: String,
    /// The text that names must contain.
    pub filter: String,
    /// Whether the user is typing the filter.
    pub typing: bool,
    pub sort: Sort,
    /// How many keys are scrolled past.
    pub past: usize,
    /// Whether the connection to the server is lost.
    pub lost: bool,
    told: BTreeMap<String, Value>,
    over: VecDeque<Value>,
    /// How far the server's clock is ahead of ours.
    ahead: SignedDuration,
}

/// The state of a key, or of a key for one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyState {
    /// `ready`, `resting`, `probing`, `dead` or `disabled`; empty if unknown.
    pub state: String,
    /// The remaining cooldown.
    pub left: Option<SignedDuration>,
    /// Requests today.
    pub requests: u64,
}

/// A key as it is displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub pool: String,
    pub own: KeyState,
    pub in_flight: u64,
    pub failures: u64,
    /// The state for each model.
    pub models: BTreeMap<String, KeyState>,
}

impl State {
    /// Creates a state without any data.
    pub fn new(server: String, filter: String) -> Self {
        Self {
            server,
            filter,
            typing: false,
            sort: Sort::default(),
            past: 0,
            lost: false,
            told: BTreeMap::new(),
            over: VecDeque::new(),
            ahead: SignedDuration::ZERO,
        }
    }

    /// Applies a message from the feed.
    pub fn take(&mut self, told: FeedMessage, now: Timestamp) {
        let FeedMessage::Event(name, mut document) = told else {
            self.lost = true;
            return;
        };
        self.lost = false;
        match name.as_str() {
            "hello" => {
                let theirs = document["now"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
                self.ahead = theirs.map_or(SignedDuration::ZERO, |theirs| theirs.duration_since(now));
            }
            "requests" => {
                if document["all"] == true {
                    self.over.clear();
                }
                // Newest first.
                if let Value::Array(over) = document["over"].take() {
                    over.into_iter().rev().for_each(|request| self.over.push_front(request));
                }
                self.over.truncate(MOST);
            }
            _ => {}
        }
        self.told.insert(name, document);
    }

    /// Handles a key press.
    pub fn press(&mut self, press: Press) -> Action {
        match (self.typing, press) {
            (_, Press::Interrupt) | (false, Press::Letter('q') | Press::Escape) => return Action::Leave,
            (true, Press::Letter(letter)) => self.filter.push(letter),
            (true, Press::Backspace) => drop(self.filter.pop()),
            (true, Press::Enter) => self.typing = false,
            (true, Press::Escape) => (self.typing, self.filter) = (false, String::new()),
            (false, Press::Letter('/')) => self.typing = true,
            (false, Press::Letter('s')) => self.sort = self.sort.next(),
            (_, Press::Up) | (false, Press::Letter('k')) => self.past = self.past.saturating_sub(1),
            (_, Press::Down) | (false, Press::Letter('j')) => {
                self.past = (self.past + 1).min(self.rows(Timestamp::now()).len().saturating_sub(1))
            }
            _ => {}
        }
        Action::Stay
    }

    /// Returns whether all parts of the state have arrived.
    pub fn is_whole(&self) -> bool {
        ["hello", "requests", "pools", "metrics", "config"].iter().all(|part| self.told.contains_key(*part))
    }

    /// Returns the last document of an event.
    pub fn last(&self, event: &str) -> &Value {
        self.told.get(event).unwrap_or(&Value::Null)
    }

    /// Returns the keys that match the filter, in the selected order.
    pub fn rows(&self, now: Timestamp) -> Vec<Row> {
        let now = now.checked_add(self.ahead).unwrap_or(now);
        let pools = self.last("pools")["pools"].as_object();
        let keys = pools.into_iter().flatten().flat_map(|(pool, about)| {
            about["keys"].as_array().into_iter().flatten().map(move |key| row(pool, key, now))
        });
        let mut rows: Vec<Row> = keys.filter(|row| self.wants_key(row)).collect();
        match self.sort {
            Sort::Configured => {}
            Sort::Trouble => rows.sort_by_key(|row| {
                (row.own.state == "ready" && row.models.values().all(KeyState::is_well), row.own.is_well())
            }),
            Sort::Busy => rows.sort_by_key(|row| std::cmp::Reverse(row.in_flight)),
            Sort::Failures => rows.sort_by_key(|row| std::cmp::Reverse(row.failures)),
        }
        rows
    }

    /// Returns the models of these keys, most used first.
    pub fn models(&self, rows: &[Row]) -> Vec<String> {
        let mut used: BTreeMap<&str, u64> = BTreeMap::new();
        for (model, standing) in rows.iter().flat_map(|row| &row.models) {
            *used.entry(model).or_default() += standing.requests;
        }
        let mut models: Vec<_> = used.into_iter().collect();
        models.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
        let mut models: Vec<String> = models.into_iter().map(|(model, _)| model.to_owned()).collect();
        if models.iter().any(|model| model.contains(&self.filter)) {
            models.retain(|model| model.contains(&self.filter));
        }
        models
    }

    /// Returns current requests that match the filter, oldest first.
    pub fn live(&self) -> Vec<&Value> {
        self.last("requests")["live"].as_array().into_iter().flatten().filter(|request| self.wants(request)).collect()
    }

    /// Returns finished requests that match the filter, newest first.
    pub fn over(&self) -> Vec<&Value> {
        self.over.iter().filter(|request| self.wants(request)).collect()
    }

    fn wants_key(&self, row: &Row) -> bool {
        let names = [&row.name, &row.pool, &row.own.state];
        names.iter().any(|name| name.contains(&self.filter))
            || row.models.keys().any(|model| model.contains(&self.filter))
    }

    fn wants(&self, request: &Value) -> bool {
        let names = ["request_id", "client", "asked", "model", "pool", "key", "api", "phase"];
        self.filter.is_empty()
            || names.iter().any(|name| request[*name].as_str().is_some_and(|text| text.contains(&self.filter)))
            || request["status"].as_u64().is_some_and(|status| self.filter.parse() == Ok(status))
    }
}

impl KeyState {
    fn of(value: &Value, now: Timestamp) -> Self {
        let until = value["until"].as_str().and_then(|until| until.parse::<Timestamp>().ok());
        Self {
            state: value["state"].as_str().unwrap_or_default().to_owned(),
            left: until.map(|until| until.duration_since(now).max(SignedDuration::ZERO)),
            requests: value["today"]["requests"].as_u64().unwrap_or_default(),
        }
    }

    fn is_well(&self) -> bool {
        matches!(self.state.as_str(), "ready" | "")
    }
}

fn row(pool: &str, key: &Value, now: Timestamp) -> Row {
    let number = |field: &str| key[field].as_u64().unwrap_or_default();
    let name = key["name"].as_str().or(key["id"].as_str()).unwrap_or_default();
    let models = key["models"].as_object().into_iter().flatten();
    Row {
        name: name.to_owned(),
        pool: pool.to_owned(),
        own: KeyState::of(key, now),
        in_flight: number("in_flight"),
        failures: number("failures"),
        models: models.map(|(model, about)| (model.clone(), KeyState::of(about, now))).collect(),
    }
}
