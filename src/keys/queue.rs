//! Limits how many requests wait for a key. Requests beyond the limit are rejected immediately instead of after a
//! futile wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::sync::AtomicUsize;

/// The queue. Clones share it. It is unordered: any waiting request may take a key that becomes available.
#[derive(Clone, Debug, Default)]
pub struct Queue(Arc<AtomicUsize>);

/// A position in the queue, held until it is dropped.
#[derive(Debug)]
pub struct Slot(Queue);

impl Queue {
    /// Enters the queue, unless `most` requests are already in it.
    pub fn enter(&self, most: usize) -> Option<Slot> {
        let one_more = |waiting: usize| (waiting < most).then_some(waiting + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Slot(self.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_places() {
        let queue = Queue::default();
        let places: Vec<Slot> = (0..5).map_while(|_| queue.enter(3)).collect();
        assert_eq!(places.len(), 3);
        drop(places);
        assert!(queue.enter(1).is_some() && queue.enter(0).is_none());
    }
}
