//! The journal: requests in flight, and the most recent finished ones. Each request has a [`Trace`] with a lock of its
//! own, which is almost never contended; the journal's lock is taken only when a request begins and ends.

mod bodies;
mod trace;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use bodies::{AnswerBody, Arrived, AttemptBodies, Bodies};
pub(super) use trace::Facts;
pub use trace::{RequestView, Rest, Trace, Tried};

use super::settings::TelemetrySettings;

/// Requests in flight and recently finished ones.
#[derive(Debug, Default)]
pub struct Journal {
    book: Mutex<Book>,
    next: AtomicU64,
    most: AtomicUsize,
    capsules: AtomicUsize,
}

#[derive(Debug, Default)]
struct Book {
    /// Requests in flight, oldest first.
    live: BTreeMap<u64, Arc<Trace>>,
    /// Finished requests, in the order they ended.
    over: VecDeque<Arc<Trace>>,
    /// The number of requests that have ended.
    ended: u64,
}

/// A view of the journal.
#[derive(Debug, Default)]
pub struct Page {
    /// The number of requests in flight.
    pub under_way: usize,
    /// Requests in flight, oldest first, up to the limit.
    pub live: Vec<Arc<Trace>>,
    /// Finished requests, newest first, up to the limit.
    pub over: Vec<Arc<Trace>>,
    /// The number of requests that have ended so far. Pass it as `after` to get only what ended since.
    pub ended: u64,
}

impl Journal {
    /// Sets how many requests to keep.
    pub fn keep(&self, settings: &TelemetrySettings) {
        self.most.store(settings.requests, Ordering::Relaxed);
        self.capsules.store(settings.capsules, Ordering::Relaxed);
        self.book().shorten(settings.requests, settings.capsules);
    }

    /// Adds a new request.
    pub(super) fn begin(&self, id: &str, api: &'static str) -> Arc<Trace> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let trace = Arc::new(Trace::begin(number, id, api, self.capsules.load(Ordering::Relaxed) > 0));
        self.book().live.insert(number, trace.clone());
        trace
    }

    /// Marks a request as finished.
    pub(super) fn end(&self, trace: &Arc<Trace>) {
        let mut book = self.book();
        if book.live.remove(&trace.number).is_some() {
            book.over.push_back(trace.clone());
            book.ended += 1;
            book.shorten(self.most.load(Ordering::Relaxed), self.capsules.load(Ordering::Relaxed));
        }
    }

    /// Returns up to `most` requests in flight, and up to `most` of those that ended after the first `after`.
    pub fn page(&self, after: u64, most: usize) -> Page {
        let book = self.book();
        let new = usize::try_from(book.ended.saturating_sub(after)).unwrap_or(usize::MAX);
        Page {
            under_way: book.live.len(),
            live: book.live.values().take(most).cloned().collect(),
            over: book.over.iter().rev().take(new.min(most)).cloned().collect(),
            ended: book.ended,
        }
    }

    /// The latest request with this id.
    pub fn find(&self, id: &str) -> Option<Arc<Trace>> {
        let book = self.book();
        book.live.values().rev().chain(book.over.iter().rev()).find(|trace| trace.id == id).cloned()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn shorten(&mut self, most: usize, capsules: usize) {
        while self.over.len() > most {
            self.over.pop_front();
        }
        // Earlier entries have already lost their bodies, unless the limit was lowered.
        for trace in self.over.iter().rev().skip(capsules) {
            if !trace.forget_bodies() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_newest_first() {
        let journal = Journal::default();
        journal.keep(&TelemetrySettings { requests: 3, capsules: 1, otel: None });
        for number in 0..5 {
            let trace = journal.begin(&format!("r{number}"), "openai_chat");
            journal.end(&trace);
            journal.end(&trace);
        }
        let live = journal.begin("r9", "openai_chat");
        let page = journal.page(0, 10);
        assert_eq!((page.under_way, page.ended), (1, 5));
        assert_eq!(page.over.iter().map(|trace| trace.id.as_str()).collect::<Vec<_>>(), ["r4", "r3", "r2"]);
        assert!(page.over[0].keeps_bodies() && !page.over[1].keeps_bodies());
        assert_eq!(journal.page(4, 10).over.len(), 1, "only what is new");
        assert!(journal.find("r1").is_none() && journal.find("r9").is_some());
        drop(live);
        journal.keep(&TelemetrySettings { requests: 1, capsules: 0, otel: None });
        assert!(journal.page(0, 10).over.iter().all(|trace| !trace.keeps_bodies()));
    }
}
