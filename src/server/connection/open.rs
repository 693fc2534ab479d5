//! The open connections of a listener: how many there are, and what they are told.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::ending::{Ending, Notice};

/// The open connections.
#[derive(Debug, Default)]
pub struct OpenConnections {
    register: Mutex<Register>,
    /// Notified when the last one has closed.
    closed: Notify,
}

#[derive(Debug, Default)]
struct Register {
    next: u64,
    open: HashMap<u64, Arc<Ending>>,
    /// What all were told. Those that come later are told the same.
    told: Notice,
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub struct Place {
    /// What this connection is told.
    pub ending: Arc<Ending>,
    number: u64,
    connections: Arc<OpenConnections>,
}

impl OpenConnections {
    /// Takes a place for one more connection, unless `most` are open.
    pub fn enter(self: &Arc<Self>, most: usize) -> Option<Place> {
        let mut register = self.register();
        if register.open.len() >= most {
            return None;
        }
        let ending = Arc::new(Ending::default());
        ending.tell(register.told);
        let number = register.next;
        register.next += 1;
        register.open.insert(number, ending.clone());
        Some(Place { ending, number, connections: self.clone() })
    }

    /// Tells all connections.
    pub fn tell(&self, notice: Notice) {
        let mut register = self.register();
        register.told = register.told.max(notice);
        register.open.values().for_each(|ending| ending.tell(notice));
    }

    /// Waits until none is open.
    pub async fn all_closed(&self) {
        loop {
            let mut closed = pin!(self.closed.notified());
            // Before looking, so that a connection that closes in between is not missed.
            closed.as_mut().enable();
            if self.register().open.is_empty() {
                return;
            }
            closed.await;
        }
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut register = self.connections.register();
        register.open.remove(&self.number);
        if register.open.is_empty() {
            self.connections.closed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn places_are_few_and_come_back() {
        let connections = Arc::new(OpenConnections::default());
        let places = [connections.enter(2).unwrap(), connections.enter(2).unwrap()];
        assert!(connections.enter(2).is_none());
        connections.tell(Notice::Finish);
        for place in &places {
            assert_eq!(place.ending.unless_told(async {}).await, None);
        }
        let mut all_closed = Box::pin(connections.all_closed());
        assert!(all_closed.as_mut().now_or_never().is_none());
        drop(places);
        all_closed.await;
        let late = connections.enter(2).unwrap();
        assert_eq!(late.ending.unless_told(async {}).await, None, "told what all were told");
    }
}
