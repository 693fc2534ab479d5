//! Spreads requests over several connections. An HTTP/2 connection accepts a limited number of concurrent streams,
//! often 100. Further requests would wait until another ends, which may take minutes for streamed answers; and if the
//! connection stalls, all its streams stall. So requests are shared between two lanes, each with an HTTP/2 connection
//! of its own, and further lanes are used while those are full. With HTTP/1.1, where each request has its own
//! connection, this makes no difference.
//!
//! A connection can die without a word: nothing arrives any more, and nothing says so. When a request is given up after
//! it has waited long for its answer to begin, its lane is replaced by a new one. What comes next takes a new
//! connection; requests on the old one go on, and it closes after the last of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use super::connections::{Connections, ResponseBody, SendError};

/// Requests per lane. Below the 100 streams that RFC 9113 (6.5.2) recommends as the minimum, because a stream that has
/// ended on our side may still be closing on the other. Google's actual limit was not measured.
const STREAMS_PER_LANE: usize = 80;
/// Number of lanes. When all are full, requests go to the least loaded one.
const LANES: usize = 64;

/// How many lanes keep all their idle HTTP/1.1 connections, and how many idle connections each of the others keeps.
/// Limits the memory held after a burst; a connection takes about 25 KiB.
const IDLE_LIMITS: (usize, usize) = (4, 8);

/// The lanes. Clones share them.
#[derive(Clone)]
pub struct ConnectionPool<C = Connections>(Arc<Lanes<C>>);

struct Lanes<C> {
    lanes: [ArcSwap<Lane<C>>; LANES],
    /// Makes the connections of a lane. Receives the number of idle connections the lane may keep.
    make: Box<dyn Fn(usize) -> C + Send + Sync>,
    /// How long a request must have waited for its answer to begin for its lane to be replaced when it is given up.
    patience: Duration,
}

struct Lane<C> {
    connections: C,
    idle_limit: usize,
    taken: Arc<AtomicUsize>,
}

/// A slot on a lane, released when dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<AtomicUsize>);

/// A request whose answer has not begun. Dropping it means that the request was given up.
struct Waiting<'p, C> {
    pool: &'p Lanes<C>,
    place: &'p ArcSwap<Lane<C>>,
    lane: &'p Arc<Lane<C>>,
    since: Instant,
    answered: bool,
}

impl<C> ConnectionPool<C> {
    /// Creates the lanes. `make` makes the connections of one, and receives the number of idle connections it may keep.
    /// A lane is replaced when a request on it is given up after waiting this long for its answer to begin.
    pub fn of(patience: Duration, make: impl Fn(usize) -> C + Send + Sync + 'static) -> Self {
        let (first, few) = IDLE_LIMITS;
        let lane = |number| {
            let idle_limit = if number < first { STREAMS_PER_LANE } else { few };
            ArcSwap::from_pointee(Lane::new(&make, idle_limit))
        };
        Self(Arc::new(Lanes { lanes: std::array::from_fn(lane), make: Box::new(make), patience }))
    }

    /// The less loaded of the first two lanes while it has room, else the first lane with room, else the least loaded.
    fn next(&self) -> &ArcSwap<Lane<C>> {
        let lanes = &self.0.lanes;
        let [first, second, ..] = lanes;
        let taken = |lane: &&ArcSwap<Lane<C>>| lane.load().taken();
        let near = if taken(&second) < taken(&first) { second } else { first };
        let has_room = |lane: &&ArcSwap<Lane<C>>| taken(lane) < STREAMS_PER_LANE;
        let emptiest = || lanes.iter().min_by_key(taken).unwrap_or(near);
        Some(near).filter(has_room).or_else(|| lanes.iter().find(has_room)).unwrap_or_else(emptiest)
    }

    fn waiting<'p>(&'p self, place: &'p ArcSwap<Lane<C>>, lane: &'p Arc<Lane<C>>) -> Waiting<'p, C> {
        Waiting { pool: &self.0, place, lane, since: Instant::now(), answered: false }
    }
}

impl ConnectionPool {
    /// Sends a request and waits for the response headers.
    ///
    /// # Errors
    /// When no connection can be made, or it breaks before the headers arrive.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<ResponseBody>, SendError> {
        let place = self.next();
        let lane = place.load_full();
        let slot = lane.slot();
        let mut waiting = self.waiting(place, &lane);
        // Boxed, because the futures around it are moved.
        let answer = Box::pin(lane.connections.send(request)).await;
        // Of a broken connection, the client knows by itself that it is not to be used again.
        waiting.answered = true;
        Ok(answer?.map(|body| body.holding(slot)))
    }
}

impl<C> fmt::Debug for ConnectionPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = self.0.lanes.iter().map(|lane| lane.load().taken());
        f.debug_list().entries(taken).finish()
    }
}

impl<C> Lane<C> {
    fn new(make: &impl Fn(usize) -> C, idle_limit: usize) -> Self {
        Self { connections: make(idle_limit), idle_limit, taken: Arc::default() }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a slot. Concurrent callers may exceed the limit slightly; it leaves a margin.
    fn slot(&self) -> Slot {
        self.taken.fetch_add(1, Ordering::Relaxed);
        Slot(self.taken.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<C> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        if self.answered || self.since.elapsed() < self.pool.patience {
            return;
        }
        tracing::debug!("no answer on an upstream connection: new requests use another");
        let fresh = Lane::new(&self.pool.make, self.lane.idle_limit);
        // Several requests may be given up together: only the first of them replaces the lane.
        self.place.compare_and_swap(self.lane, Arc::new(fresh));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_shared_and_more_are_taken_while_those_are_full() {
        let lanes = ConnectionPool::of(Duration::MAX, |_| ());
        let next = || lanes.next().load().slot();
        let mut slots: Vec<Slot> = (0..2 * STREAMS_PER_LANE + 1).map(|_| next()).collect();
        let taken = || {
            let taken = lanes.0.lanes.iter().map(|lane| lane.load().taken());
            taken.filter(|taken| *taken > 0).collect::<Vec<_>>()
        };
        assert_eq!(taken(), [STREAMS_PER_LANE, STREAMS_PER_LANE, 1]);
        drop(slots.drain(..2));
        slots.extend((0..2).map(|_| next()));
        assert_eq!(taken(), [STREAMS_PER_LANE, STREAMS_PER_LANE, 1], "the first are filled again before another");
        let rest = LANES * STREAMS_PER_LANE - slots.len();
        slots.extend((0..rest).map(|_| next()));
        slots.push(next());
        assert_eq!(taken().into_iter().sum::<usize>(), LANES * STREAMS_PER_LANE + 1, "nobody is turned away");
        drop(slots);
        assert!(taken().is_empty());
    }

    /// A pool whose lanes have numbers, in the order in which they were made.
    fn numbered(patience: Duration) -> ConnectionPool<usize> {
        let made = AtomicUsize::new(0);
        ConnectionPool::of(patience, move |_| made.fetch_add(1, Ordering::Relaxed))
    }

    #[test]
    fn a_lane_is_replaced_once_when_requests_on_it_are_given_up_late() {
        let pool = numbered(Duration::ZERO);
        let place = pool.next();
        let lane = place.load_full();
        let _other_request = lane.slot();
        let (one, two) = (pool.waiting(place, &lane), pool.waiting(place, &lane));
        assert_eq!((place.load().connections, place.load().taken()), (0, 1));
        drop(one);
        assert_eq!((place.load().connections, place.load().taken()), (LANES, 0), "the new one has all its room");
        drop(two);
        assert_eq!(place.load().connections, LANES, "the request that was given up was not on the new one");
        assert_eq!(lane.taken(), 1, "the old one goes on as long as there is a request on it");
    }

    #[test]
    fn a_lane_stays_if_its_request_is_answered_or_given_up_early() {
        let (late, early) = (numbered(Duration::ZERO), numbered(Duration::MAX));
        let lane = late.next().load_full();
        late.waiting(late.next(), &lane).answered = true;
        assert_eq!(late.next().load().connections, 0);
        let lane = early.next().load_full();
        drop(early.waiting(early.next(), &lane));
        assert_eq!(early.next().load().connections, 0);
    }
}
