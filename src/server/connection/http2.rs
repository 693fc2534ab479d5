//! Timers that HTTP/2 needs in addition. Its client can leave a connection without requests, or an answer without room,
//! while the connection itself is never blocked, so that neither the header timer nor the write timer fires.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::ending::{Ending, Notice};

/// The most of an answer that is handed over at a time, in bytes. What is handed over stays in memory until the client
/// has room for it.
const PIECE: usize = 32 * 1024;

/// The requests of one connection.
#[derive(Clone)]
pub struct Requests {
    /// How many are open.
    open: watch::Sender<usize>,
    /// How long a client may take nothing of an answer.
    patience: Duration,
}

/// A request that counts as open until this is dropped.
pub struct Open(Requests);

impl Requests {
    /// Watches a connection, which may be without requests for `idle`, and whose client may take nothing of an answer
    /// for `patience`.
    pub fn watched(ending: Arc<Ending>, idle: Duration, patience: Duration) -> Self {
        let requests = Self { open: watch::channel(0).0, patience };
        tokio::spawn(close_when_idle(requests.open.subscribe(), ending, idle, patience));
        requests
    }

    /// A request that has arrived.
    pub fn arrived(&self) -> Open {
        Open::new(self)
    }
}

/// Closes a connection without requests. It is first told to go away, so that a client that has just sent a request
/// knows to send it again. What its client still has not taken then is an answer's last piece.
async fn close_when_idle(mut open: watch::Receiver<usize>, ending: Arc<Ending>, idle: Duration, patience: Duration) {
    if is_idle_for(&mut open, idle).await {
        ending.tell(Notice::Finish);
        if is_idle_for(&mut open, patience).await {
            ending.tell(Notice::Abort);
        }
    }
}

/// Waits until no request has been open for this long. Returns false if the connection has ended before.
async fn is_idle_for(open: &mut watch::Receiver<usize>, time: Duration) -> bool {
    while open.wait_for(|open| *open == 0).await.is_ok() {
        match timeout(time, open.wait_for(|open| *open > 0)).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return false,
            Err(_) => return true,
        }
    }
    false
}

impl Open {
    fn new(requests: &Requests) -> Self {
        requests.open.send_modify(|open| *open += 1);
        Self(requests.clone())
    }

    /// Its answer, whose body is offered to the client. The request is open until that has been taken or let go.
    pub fn answered(self, response: Response) -> Response {
        response.map(|body| offered(body, self))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// The body as it is offered to the client. One that is handed over at once has nothing to be let go.
fn offered(body: Body, open: Open) -> Body {
    if body.size_hint().exact().is_some_and(|size| size <= PIECE as u64) {
        return body;
    }
    let patience = open.0.patience;
    let answer = Answer { content: Some((body, open)), rest: Bytes::new(), offered: None };
    let answer = Arc::new(Mutex::new(answer));
    let watch = tokio::spawn(let_go_if_untaken(Arc::downgrade(&answer), patience)).abort_handle();
    Body::new(Offered { answer, watch })
}

/// A body that is handed over in pieces, and let go if the client takes nothing for too long: the connection to Google
/// closes, and the key is released. The HTTP library asks for the next piece when the client has room for it.
struct Offered {
    answer: Arc<Mutex<Answer>>,
    watch: AbortHandle,
}

struct Answer {
    /// The body and its request, until they are let go.
    content: Option<(Body, Open)>,
    /// What has been read of the body, but not been handed over.
    rest: Bytes,
    /// When a piece was handed over, unless the client has had room for it.
    offered: Option<Instant>,
}

impl Offered {
    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    /// Lets the body go if its client has taken nothing for this long. Otherwise returns when to look again.
    fn let_go_after(&mut self, patience: Duration) -> Option<Duration> {
        let waited = self.offered.map_or(Duration::ZERO, |offered| offered.elapsed());
        let again = patience.checked_sub(waited).filter(|again| !again.is_zero());
        if again.is_none() {
            (self.content, self.rest) = (None, Bytes::new());
        }
        again
    }
}

async fn let_go_if_untaken(answer: Weak<Mutex<Answer>>, patience: Duration) {
    let mut again = Some(patience);
    while let Some(pause) = again {
        sleep(pause).await;
        let Some(answer) = answer.upgrade() else { return };
        again = answer.lock().unwrap_or_else(PoisonError::into_inner).let_go_after(patience);
    }
}

impl HttpBody for Offered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut answer = self.answer();
        let Answer { content, rest, offered } = &mut *answer;
        *offered = None;
        let Some((body, _)) = content else {
            return Poll::Ready(Some(Err(axum::Error::new(io::Error::from(ErrorKind::TimedOut)))));
        };
        if rest.is_empty() {
            match ready!(Pin::new(body).poll_frame(context)).map(|read| read.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => *rest = data,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        *offered = Some(Instant::now());
        let piece = rest.split_to(rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        let answer = self.answer();
        answer.rest.is_empty() && answer.content.as_ref().is_some_and(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        // Asked before the first piece, when nothing is left of one.
        self.answer().content.as_ref().map(|(body, _)| body.size_hint()).unwrap_or_default()
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures_util::stream::{self, StreamExt};
    use http_body_util::BodyExt;
    use tokio::sync::oneshot;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn connection() -> Requests {
        Requests { open: watch::channel(0).0, patience: PATIENCE }
    }

    fn open(connection: &Requests) -> usize {
        *connection.open.borrow()
    }

    #[tokio::test]
    async fn a_body_is_handed_over_in_pieces_and_loses_nothing() {
        let connection = connection();
        let whole: Vec<u8> = (0..PIECE * 3 + 7).map(|number| u8::try_from(number % 251).unwrap()).collect();
        let mut body = offered(Body::from(whole.clone()), Open::new(&connection));
        assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
        let mut seen = Vec::new();
        while !body.is_end_stream() {
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE);
            seen.extend_from_slice(&piece);
        }
        assert!(seen == whole && open(&connection) == 1);
        drop(body);
        assert_eq!(open(&connection), 0);
        let small = offered(Body::from("small"), Open::new(&connection));
        assert_eq!(open(&connection), 0, "it is out of our hands");
        assert_eq!(to_bytes(small, 10).await.unwrap(), "small");
    }

    /// A source that is silent for a minute and a half before each piece, and what tells that it was dropped.
    fn slow_source(connection: &Requests) -> (Body, oneshot::Receiver<()>) {
        let (held, dropped) = oneshot::channel::<()>();
        let pieces = stream::unfold(held, |held| async move {
            sleep(PATIENCE * 3 / 2).await;
            Some((Ok::<_, io::Error>(Bytes::from_static(b"piece")), held))
        });
        (offered(Body::from_stream(pieces.boxed()), Open::new(connection)), dropped)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_not_waited_for() {
        let connection = connection();
        let (mut body, mut dropped) = slow_source(&connection);
        for _ in 0..3 {
            assert_eq!(
                body.frame().await.unwrap().unwrap().into_data().unwrap(),
                "piece",
                "silence is not the client's"
            );
            sleep(PATIENCE * 9 / 10).await;
        }
        assert!(body.frame().await.unwrap().is_ok());
        let untaken = Instant::now();
        assert!((&mut dropped).await.is_err());
        assert_eq!(untaken.elapsed().as_secs(), PATIENCE.as_secs());
        assert_eq!(open(&connection), 0);
        assert!(body.frame().await.unwrap().is_err() && !body.is_end_stream(), "not taken for a whole answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_when_no_request_has_been_open_for_long() {
        let connection = connection();
        let mut receiver = connection.open.subscribe();
        let begun = Instant::now();
        let requests = async {
            for _ in 0..3 {
                let _open = Open::new(&connection);
                sleep(Duration::from_secs(100)).await;
                drop(_open);
                sleep(Duration::from_secs(9)).await;
            }
        };
        let ((), idle) = tokio::join!(requests, is_idle_for(&mut receiver, Duration::from_secs(10)));
        assert!(idle);
        assert_eq!(begun.elapsed().as_secs(), 3 * 109 + 1);
        drop(connection);
        assert!(!is_idle_for(&mut receiver, Duration::from_secs(10)).await, "it has ended");
    }
}
