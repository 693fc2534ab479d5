//! Records arrived requests, for tests that inspect them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Maximum number of recorded requests: more than any test needs, so that a benchmark does not fill the memory.
const MOST: usize = 10_000;

/// One request.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The key it was sent with.
    pub key: String,
    /// The model.
    pub model: String,
    /// `generateContent`, `countTokens`, `models`, `files.upload`, …
    pub method: String,
    /// The body.
    pub body: Arc<Value>,
    /// The status it was answered with.
    pub status: u16,
}

impl Arrival {
    /// Creates a successful arrival without a body.
    pub(super) fn of(key: &str, model: &str, method: &str) -> Self {
        let body = Arc::new(Value::Null);
        Self { key: key.to_owned(), model: model.to_owned(), method: method.to_owned(), body, status: 200 }
    }
}

#[derive(Debug, Default)]
pub struct Arrivals {
    list: Mutex<Vec<Arrival>>,
    faults: Mutex<HashMap<(String, String, String), usize>>,
    open: AtomicUsize,
    abandoned: AtomicUsize,
}

impl Arrivals {
    pub fn add(&self, arrival: Arrival) {
        let mut list = guard(&self.list);
        if list.len() < MOST {
            list.push(arrival);
        }
    }

    pub fn all(&self) -> Vec<Arrival> {
        guard(&self.list).clone()
    }

    pub fn clear(&self) {
        guard(&self.list).clear();
        guard(&self.faults).clear();
    }

    /// Returns how often this fault has occurred on this key and model before, and counts this occurrence.
    pub fn again(&self, fault: &str, key: &str, model: &str) -> usize {
        let mut faults = guard(&self.faults);
        let count = faults.entry((fault.to_owned(), key.to_owned(), model.to_owned())).or_default();
        *count += 1;
        *count - 1
    }

    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Relaxed)
    }
}

/// An open stream. It is counted until it ends, and counted as abandoned if it ends early.
#[derive(Debug)]
pub struct OpenStream {
    arrivals: Arc<super::http::State>,
    finished: bool,
}

impl OpenStream {
    pub fn new(state: Arc<super::http::State>) -> Self {
        state.arrivals.open.fetch_add(1, Ordering::Relaxed);
        Self { arrivals: state, finished: false }
    }

    pub fn finished(&mut self) {
        self.finished = true;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.arrivals.arrivals.open.fetch_sub(1, Ordering::Relaxed);
        if !self.finished {
            self.arrivals.arrivals.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
