//! Spreads requests over several connections. An HTTP/2 connection accepts a limited number of concurrent streams,
//! often 100. Further requests would wait until another ends, which may take minutes for streamed answers; and if the
//! connection stalls, all its streams stall. So requests are shared between two lanes, each with an HTTP/2 connection
//! of its own, and further lanes are used while those are full. With HTTP/1.1, where each request has its own
//! connection, this makes no difference.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::client::legacy::{Client, Error};

use super::connector::Connector;

/// Requests per lane. Below the 100 streams that RFC 9113 (6.5.2) recommends as the minimum, because a stream that has
/// ended on our side may still be closing on the other. Google's actual limit was not measured.
const STREAMS_PER_LANE: usize = 80;
/// Number of lanes. When all are full, requests go to the least loaded one.
const LANES: usize = 64;

/// How many lanes keep all their idle HTTP/1.1 connections, and how many idle connections each of the others keeps.
/// Limits the memory held after a burst; a connection takes about 25 KiB.
const IDLE_LIMITS: (usize, usize) = (4, 8);

/// The connections of one lane.
pub(super) type Connections = Client<Connector, Full<Bytes>>;

/// The lanes. Clones share them.
#[derive(Clone, Debug)]
pub struct ConnectionPool<C = Connections>(Arc<[Lane<C>; LANES]>);

#[derive(Debug)]
struct Lane<C> {
    connections: C,
    taken: Arc<AtomicUsize>,
}

/// A slot on a lane, released when dropped.
#[derive(Debug)]
struct Slot(Arc<AtomicUsize>);

/// A response body that holds its slot on the lane until it ends.
#[derive(Debug)]
pub struct PooledBody {
    body: Incoming,
    _slot: Slot,
}

impl<C> ConnectionPool<C> {
    /// Creates the lanes. `connections` receives the number of idle connections the lane may keep.
    pub fn of(connections: impl Fn(usize) -> C) -> Self {
        let (first, few) = IDLE_LIMITS;
        let lane = |number| {
            let connections = connections(if number < first { STREAMS_PER_LANE } else { few });
            Lane { connections, taken: Arc::default() }
        };
        Self(Arc::new(std::array::from_fn(lane)))
    }

    /// The less loaded of the first two lanes while it has room, else the first lane with room, else the least loaded.
    fn next(&self) -> &Lane<C> {
        let [first, second, ..] = &*self.0;
        let near = if second.taken() < first.taken() { second } else { first };
        let has_room = |lane: &&Lane<C>| lane.taken() < STREAMS_PER_LANE;
        let emptiest = || self.0.iter().min_by_key(|lane| lane.taken()).unwrap_or(near);
        Some(near).filter(has_room).or_else(|| self.0.iter().find(has_room)).unwrap_or_else(emptiest)
    }
}

impl ConnectionPool {
    /// Sends a request and waits for the response headers.
    ///
    /// # Errors
    /// When no connection can be made, or it breaks before the headers arrive.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<PooledBody>, Error> {
        let lane = self.next();
        let slot = lane.slot();
        let answer = lane.connections.request(request).await?;
        Ok(answer.map(|body| PooledBody { body, _slot: slot }))
    }
}

impl<C> Lane<C> {
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

impl Body for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_shared_and_more_are_taken_while_those_are_full() {
        let lanes = ConnectionPool::of(|_| ());
        let mut slots: Vec<Slot> = (0..2 * STREAMS_PER_LANE + 1).map(|_| lanes.next().slot()).collect();
        let taken = || lanes.0.iter().map(|lane| lane.taken()).filter(|taken| *taken > 0).collect::<Vec<_>>();
        assert_eq!(taken(), [STREAMS_PER_LANE, STREAMS_PER_LANE, 1]);
        drop(slots.drain(..2));
        slots.extend((0..2).map(|_| lanes.next().slot()));
        assert_eq!(taken(), [STREAMS_PER_LANE, STREAMS_PER_LANE, 1], "the first are filled again before another");
        let rest = LANES * STREAMS_PER_LANE - slots.len();
        slots.extend((0..rest).map(|_| lanes.next().slot()));
        slots.push(lanes.next().slot());
        assert_eq!(taken().into_iter().sum::<usize>(), LANES * STREAMS_PER_LANE + 1, "nobody is turned away");
        drop(slots);
        assert!(taken().is_empty());
    }
}
