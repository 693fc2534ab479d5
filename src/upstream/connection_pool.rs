//! Connections side by side. One connection of HTTP/2 takes so many streams and no more, often 100: whoever comes then would
//! wait until another is done, which for streams may be minutes; and when one is wedged, so is all that goes over it. So requests
//! share two connections, and as many more as it takes while those are full. Over HTTP/1.1, where each request has a connection of
//! its own, it makes no difference.

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

/// Requests that share a lane: fewer than the 100 streams that RFC 9113 (6.5.2) recommends as the least, for what is over here may still
/// be closing there. How many Google takes was not looked up at Google.
const ROOM: usize = 80;
/// ConnectionPool. What comes when all are full waits for the emptiest.
const LANES: usize = 64;

/// ConnectionPool whose connections of HTTP/1.1 are all kept for later, and how many of each other lane's are: a burst is not to be paid for long
/// after, with some 25 KiB a connection.
const KEPT: (usize, usize) = (4, 8);

/// Connections of one lane.
pub(super) type Connections = Client<Connector, Full<Bytes>>;

/// The lanes. Clones share them.
#[derive(Clone, Debug)]
pub struct ConnectionPool<C = Connections>(Arc<[Lane<C>; LANES]>);

#[derive(Debug)]
struct Lane<C> {
    connections: C,
    taken: Arc<AtomicUsize>,
}

/// A place on a lane, until it is dropped.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

/// A body that comes over a lane, and has its place there to its end.
#[derive(Debug)]
pub struct Held {
    body: Incoming,
    _place: Place,
}

impl<C> ConnectionPool<C> {
    /// ConnectionPool, each with connections of its own, of which so many are kept when nobody uses them.
    pub fn of(connections: impl Fn(usize) -> C) -> Self {
        let (first, few) = KEPT;
        let lane = |number| {
            let connections = connections(if number < first { ROOM } else { few });
            Lane { connections, taken: Arc::default() }
        };
        Self(Arc::new(std::array::from_fn(lane)))
    }

    /// One of the first two while either has room, else the first that has, or the emptiest.
    fn next(&self) -> &Lane<C> {
        let [first, second, ..] = &*self.0;
        let near = if second.taken() < first.taken() { second } else { first };
        let has_room = |lane: &&Lane<C>| lane.taken() < ROOM;
        let emptiest = || self.0.iter().min_by_key(|lane| lane.taken()).unwrap_or(near);
        Some(near).filter(has_room).or_else(|| self.0.iter().find(has_room)).unwrap_or_else(emptiest)
    }
}

impl ConnectionPool {
    /// Sends a request, and waits for the headers of its answer.
    ///
    /// # Errors
    /// When no connection can be made, or it breaks before.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Held>, Error> {
        let lane = self.next();
        let place = lane.place();
        let answer = lane.connections.request(request).await?;
        Ok(answer.map(|body| Held { body, _place: place }))
    }
}

impl<C> Lane<C> {
    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Two that look at the same moment may take one place more than there is: there is some to spare.
    fn place(&self) -> Place {
        self.taken.fetch_add(1, Ordering::Relaxed);
        Place(self.taken.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Body for Held {
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
        let mut places: Vec<Place> = (0..2 * ROOM + 1).map(|_| lanes.next().place()).collect();
        let taken = || lanes.0.iter().map(|lane| lane.taken()).filter(|taken| *taken > 0).collect::<Vec<_>>();
        assert_eq!(taken(), [ROOM, ROOM, 1]);
        drop(places.drain(..2));
        places.extend((0..2).map(|_| lanes.next().place()));
        assert_eq!(taken(), [ROOM, ROOM, 1], "the first are filled again before another");
        let rest = LANES * ROOM - places.len();
        places.extend((0..rest).map(|_| lanes.next().place()));
        places.push(lanes.next().place());
        assert_eq!(taken().into_iter().sum::<usize>(), LANES * ROOM + 1, "nobody is turned away");
        drop(places);
        assert!(taken().is_empty());
    }
}
