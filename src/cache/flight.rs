//! Single flight: the first of several equal requests calls Gemini, and the others wait for its answer.
//!
//! The first request may vanish because its client leaves; then one of the waiting requests takes its place. A flight
//! that fails, or whose answer must not be shared, ends without an answer for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::entry::Entry;
use super::key::Key;

/// All flights. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Flights(Arc<Mutex<HashMap<Key, watch::Receiver<State>>>>);

/// The state of a flight.
#[derive(Clone, Debug)]
enum State {
    UnderWay,
    Ended(End),
}

/// How a flight ended.
#[derive(Clone, Debug)]
pub enum End {
    /// With an answer for everyone.
    Landed(Arc<Entry>),
    /// It failed.
    Failed,
    /// With an answer for the first request only.
    Alone,
    /// The first request is gone.
    Vanished,
}

/// The role of a request among equal requests.
#[derive(Debug)]
pub enum Place {
    /// It is the first and makes the call.
    First(Flight),
    /// An equal request is already in flight.
    Waiting(Waiting),
}

/// A flight in progress. If it is dropped before it has ended, it has vanished.
#[derive(Debug)]
pub struct Flight {
    key: Key,
    state: watch::Sender<State>,
    flights: Flights,
}

/// A request that waits for a flight.
#[derive(Debug)]
pub struct Waiting(watch::Receiver<State>);

impl Flights {
    /// Joins the flight of this key, or begins it. Before one begins, `kept` looks up whether an answer has just been
    /// cached.
    pub fn join(&self, key: Key, kept: impl FnOnce() -> Option<Entry>) -> Result<Place, Entry> {
        let mut flights = self.all();
        if let Some(waiting) = flights.get(&key) {
            return Ok(Place::Waiting(Waiting(waiting.clone())));
        }
        if let Some(kept) = kept() {
            return Err(kept);
        }
        let (state, waiting) = watch::channel(State::UnderWay);
        flights.insert(key, waiting);
        Ok(Place::First(Flight { key, state, flights: self.clone() }))
    }

    /// Number of flights in progress.
    pub fn count(&self) -> usize {
        self.all().len()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Ends the flight.
    pub fn end(self, end: End) {
        self.finish(end);
    }

    fn finish(&self, end: End) {
        // First prevents others from joining, then notifies those that have joined.
        self.flights.all().remove(&self.key);
        self.state.send_replace(State::Ended(end));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if matches!(*self.state.borrow(), State::UnderWay) {
            self.finish(End::Vanished);
        }
    }
}

impl Waiting {
    /// Waits for the end of the flight.
    pub async fn end(mut self) -> End {
        let ended = self.0.wait_for(|state| matches!(state, State::Ended(_))).await;
        match ended.as_deref() {
            Ok(State::Ended(end)) => end.clone(),
            _ => End::Vanished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(client: &str) -> Key {
        Key::of(&super::super::key::KeyParts {
            client,
            api: "",
            path: "",
            query: "",
            body: b"",
            share: 0,
            endpoint: "",
            pool: "",
            model: "",
            method: "",
            upstream: b"",
            plugins: "",
            era: b"",
        })
    }

    fn join(flights: &Flights, client: &str) -> Place {
        flights.join(key(client), || None).unwrap()
    }

    #[tokio::test]
    async fn equals_wait_for_the_first_and_others_do_not() {
        let flights = Flights::default();
        let Place::First(first) = join(&flights, "one") else { panic!("nobody was there") };
        let Place::Waiting(waiting) = join(&flights, "one") else { panic!("somebody is under way") };
        assert!(matches!(join(&flights, "two"), Place::First(_)));
        let kept = Arc::new(Entry::new(vec!["x".into()], jiff::Timestamp::UNIX_EPOCH));
        first.end(End::Landed(kept.clone()));
        assert!(matches!(waiting.end().await, End::Landed(landed) if landed == kept));
        assert_eq!(flights.count(), 0);
    }

    #[tokio::test]
    async fn of_those_that_wait_for_one_that_vanishes_one_is_the_next() {
        let flights = Flights::default();
        let first = join(&flights, "one");
        let waiting: Vec<Place> = (0..3).map(|_| join(&flights, "one")).collect();
        drop(first);
        let mut next = Vec::new();
        for place in waiting {
            let Place::Waiting(waiting) = place else { panic!("somebody was under way") };
            assert!(matches!(waiting.end().await, End::Vanished));
            next.push(join(&flights, "one"));
        }
        assert_eq!(next.iter().filter(|place| matches!(place, Place::First(_))).count(), 1);
    }

    #[test]
    fn what_has_just_landed_is_found() {
        let kept = Entry::new(vec!["x".into()], jiff::Timestamp::UNIX_EPOCH);
        let found = Flights::default().join(key("one"), || Some(kept.clone()));
        assert_eq!(found.unwrap_err(), kept);
    }
}
