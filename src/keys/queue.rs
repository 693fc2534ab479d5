//! How many requests wait for a key. Whoever comes when there are too many is told at once, instead of after a wait for nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::sync::AtomicUsize;

/// The queue. Clones share it. There is no order in it: who is there when a key comes back may have it.
#[derive(Clone, Debug, Default)]
pub struct Queue(Arc<AtomicUsize>);

/// A place in it, until it is dropped.
#[derive(Debug)]
pub struct Place(Queue);

impl Queue {
    /// A place, if not so many have one.
    pub fn enter(&self, most: usize) -> Option<Place> {
        let one_more = |waiting: usize| (waiting < most).then_some(waiting + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Place(self.clone()))
    }
}

impl Drop for Place {
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
        let places: Vec<Place> = (0..5).map_while(|_| queue.enter(3)).collect();
        assert_eq!(places.len(), 3);
        drop(places);
        assert!(queue.enter(1).is_some() && queue.enter(0).is_none());
    }
}
