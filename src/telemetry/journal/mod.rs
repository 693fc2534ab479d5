//! The journal: requests that are under way, and the last that are over. Each has a [`Trace`] of its own, which costs a lock that nobody
//! else wants; the journal's own lock is taken when a request begins and when it ends.

mod bodies;
mod trace;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use bodies::{Arrived, Bodies, Said, Saying};
pub(super) use trace::Facts;
pub use trace::{Rest, Seen, Trace, Tried};

use super::settings::TelemetrySettings;

/// Requests of the last while.
#[derive(Debug, Default)]
pub struct Journal {
    book: Mutex<Book>,
    next: AtomicU64,
    most: AtomicUsize,
    capsules: AtomicUsize,
}

#[derive(Debug, Default)]
struct Book {
    /// Under way, the oldest first.
    live: BTreeMap<u64, Arc<Trace>>,
    /// Over, in the order in which they ended.
    over: VecDeque<Arc<Trace>>,
    /// How many have ended.
    ended: u64,
}

/// What the journal holds at a moment.
#[derive(Debug, Default)]
pub struct Page {
    /// How many are under way.
    pub under_way: usize,
    /// Some of them, the oldest first.
    pub live: Vec<Arc<Trace>>,
    /// Some that are over, the latest first.
    pub over: Vec<Arc<Trace>>,
    /// How many have ended so far: what is asked for next is what ended after these.
    pub ended: u64,
}

impl Journal {
    /// Keeps so many from now on.
    pub fn keep(&self, settings: &TelemetrySettings) {
        self.most.store(settings.requests, Ordering::Relaxed);
        self.capsules.store(settings.capsules, Ordering::Relaxed);
        self.book().shorten(settings.requests, settings.capsules);
    }

    /// A request has come in.
    pub(super) fn begin(&self, id: &str, api: &'static str) -> Arc<Trace> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let trace = Arc::new(Trace::begin(number, id, api, self.capsules.load(Ordering::Relaxed) > 0));
        self.book().live.insert(number, trace.clone());
        trace
    }

    /// It is over.
    pub(super) fn end(&self, trace: &Arc<Trace>) {
        let mut book = self.book();
        if book.live.remove(&trace.number).is_some() {
            book.over.push_back(trace.clone());
            book.ended += 1;
            book.shorten(self.most.load(Ordering::Relaxed), self.capsules.load(Ordering::Relaxed));
        }
    }

    /// Up to `most` that are under way, and up to `most` of those that have ended after the first so many.
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

    /// The latest request of this id.
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
        // All before it have lost theirs already, unless fewer are kept than before.
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
