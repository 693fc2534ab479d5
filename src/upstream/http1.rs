//! An HTTP/1.1 connection that whoever waits for it drives.
//!
//! hyper divides a connection in two: a handle that takes requests, and a future that reads and writes. That future is
//! usually a task of its own, and each chunk of a streamed answer then wakes two tasks, one of them twice. Here it is
//! polled by the task that waits for the answer, which is woken once for each arrival. While nobody waits, nothing is
//! read: a client that does not read makes Google wait too.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::rt::{Read, Write};

/// What is buffered for a client that does not read, in bytes. hyper's default is about 400 KiB.
const READ_AHEAD: usize = 32 * 1024;

/// How often in a row the connection is polled because it woke itself, before other tasks get their turn.
const TURNS: usize = 16;

/// A request as it is sent, and an error that may hold it.
pub type Outgoing = Request<Full<Bytes>>;
pub type Unsent = TrySendError<Outgoing>;

/// An open connection.
#[derive(Debug)]
pub struct Http1<T: Read + Write> {
    requests: SendRequest<Full<Bytes>>,
    /// None once the connection has ended.
    connection: Option<Connection<T, Full<Bytes>>>,
    alarm: Arc<Alarm>,
    /// The waker of `alarm`. The connection keeps the one it was polled with, so it is always the same.
    waker: Waker,
    /// Whether what is waited for was not there when the connection was last polled. It cannot be there before the
    /// alarm has rung.
    quiet: bool,
}

/// Wakes the task that waits for the connection, if one waits. While that task polls the connection, it only notes that
/// it was called: hyper wakes the connection when a chunk is taken from it, which would wake the task that takes it.
#[derive(Debug, Default)]
struct Alarm {
    rang: AtomicBool,
    waiting: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.waiting.wake();
    }
}

impl<T: Read + Write + Unpin + Send + 'static> Http1<T> {
    /// Speaks HTTP/1.1 on this stream.
    ///
    /// # Errors
    /// hyper's.
    pub async fn over(stream: T) -> hyper::Result<Self> {
        let (requests, connection) = Builder::new().max_buf_size(READ_AHEAD).handshake(stream).await?;
        let alarm = Arc::<Alarm>::default();
        Ok(Self { requests, connection: Some(connection), waker: alarm.clone().into(), alarm, quiet: false })
    }

    /// Begins to send a request, whose URL must be as the other end expects it. The response is to be waited for with
    /// [`Self::headers`].
    pub fn send(&mut self, request: Outgoing) -> impl Future<Output = Result<Response<Incoming>, Unsent>> + use<T> {
        self.quiet = false;
        self.requests.try_send_request(request)
    }

    /// Waits for the headers of a response.
    ///
    /// # Errors
    /// When the connection breaks. The error holds the request if none of it was sent.
    pub async fn headers(
        &mut self,
        response: impl Future<Output = Result<Response<Incoming>, Unsent>>,
    ) -> Result<Response<Incoming>, Unsent> {
        let mut response = pin!(response);
        std::future::poll_fn(|context| self.poll(context, |inner| response.as_mut().poll(inner))).await
    }

    /// Polls the body of a response that came on this connection.
    pub fn poll_body(
        &mut self,
        body: &mut Incoming,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        self.poll(context, |inner| Pin::new(&mut *body).poll_frame(inner))
    }

    /// Whether the connection can take another request. Lets it finish what it can without waiting: the end of a body
    /// that was not read to its end, or the news that the other end has closed.
    pub fn is_idle(&mut self) -> bool {
        self.advance();
        self.connection.is_some() && self.requests.is_ready()
    }

    /// Drives the connection until `wanted` is ready.
    fn poll<R>(&mut self, context: &mut Context<'_>, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
        for _ in 0..TURNS {
            if self.quiet {
                self.alarm.waiting.register(context.waker());
                if !self.alarm.rang.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
            }
            self.alarm.waiting.take();
            self.alarm.rang.store(false, Ordering::Release);
            self.advance();
            let polled = wanted(&mut Context::from_waker(&self.waker));
            self.quiet = polled.is_pending();
            if !self.quiet {
                return polled;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads and writes what is possible now. The result of a connection that ends is also given to the request.
    fn advance(&mut self) {
        let mut context = Context::from_waker(&self.waker);
        let ended =
            self.connection.as_mut().is_some_and(|connection| Pin::new(connection).poll(&mut context).is_ready());
        if ended {
            self.connection = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use http_body_util::BodyExt;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection, and its other end.
    async fn connected() -> (Http1<TokioIo<DuplexStream>>, DuplexStream) {
        let (near, far) = tokio::io::duplex(64 * 1024);
        (Http1::over(TokioIo::new(near)).await.unwrap(), far)
    }

    fn request() -> Outgoing {
        Request::post("/there").header("host", "test").body(Full::from("hello")).unwrap()
    }

    async fn sent(near: &mut Http1<TokioIo<DuplexStream>>) -> Result<Response<Incoming>, Unsent> {
        let response = near.send(request());
        near.headers(response).await
    }

    /// Sends a request that is answered with this.
    async fn answered(near: &mut Http1<TokioIo<DuplexStream>>, far: &mut DuplexStream, answer: &str) -> Incoming {
        let mut heard = [0; 1024];
        let (response, heard) = tokio::join!(sent(near), async {
            let length = far.read(&mut heard).await.unwrap();
            far.write_all(answer.as_bytes()).await.unwrap();
            &heard[..length]
        });
        assert!(heard.starts_with(b"POST /there HTTP/1.1\r\n") && heard.ends_with(b"\r\n\r\nhello"));
        response.unwrap().into_body()
    }

    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

    #[tokio::test]
    async fn the_task_that_waits_is_woken_once_for_each_arrival() {
        let (mut near, mut far) = connected().await;
        let mut body = answered(&mut near, &mut far, CHUNKED).await;
        let wakes = Arc::<Counted>::default();
        let waker = wakes.clone().into();
        let mut context = Context::from_waker(&waker);
        assert!(near.poll_body(&mut body, &mut context).is_pending());
        for arrivals in 1..4 {
            far.write_all(b"5\r\nhello\r\n").await.unwrap();
            assert_eq!(wakes.0.load(Ordering::Relaxed), arrivals);
            let Poll::Ready(Some(Ok(frame))) = near.poll_body(&mut body, &mut context) else { panic!("no chunk") };
            assert_eq!(frame.into_data().unwrap(), "hello");
            assert!(near.poll_body(&mut body, &mut context).is_pending());
            assert_eq!(wakes.0.load(Ordering::Relaxed), arrivals, "to take a chunk wakes nobody");
        }
        assert!(!near.is_idle());
        far.write_all(b"0\r\n\r\n").await.unwrap();
        assert!(matches!(near.poll_body(&mut body, &mut context), Poll::Ready(None)));
        assert!(near.is_idle());
    }

    #[tokio::test]
    async fn a_connection_is_used_again_after_a_body_that_has_arrived() {
        let (mut near, mut far) = connected().await;
        for read in [true, false, true] {
            let body = answered(&mut near, &mut far, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
            if read {
                assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
            }
            assert!(near.is_idle(), "read: {read}");
        }
    }

    #[tokio::test]
    async fn it_ends_when_the_rest_of_a_body_is_not_wanted() {
        let (mut near, mut far) = connected().await;
        drop(answered(&mut near, &mut far, CHUNKED).await);
        assert!(!near.is_idle());
        assert!(near.connection.is_none());
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "the other end knows");
    }

    #[tokio::test]
    async fn an_idle_connection_that_was_closed_is_known() {
        let (mut near, far) = connected().await;
        assert!(near.is_idle());
        drop(far);
        assert!(!near.is_idle());
        let mut error = sent(&mut near).await.unwrap_err();
        assert!(error.take_message().is_some(), "nothing of it was sent");
    }

    #[tokio::test]
    async fn a_request_in_the_middle_of_an_answer_is_given_back() {
        let (mut near, mut far) = connected().await;
        let _body = answered(&mut near, &mut far, CHUNKED).await;
        assert!(sent(&mut near).await.unwrap_err().take_message().is_some());
    }
}
