//! The connections of one lane: an HTTP/2 connection that all requests share, or HTTP/1.1 connections, each of which
//! carries one request at a time and then waits for the next. Which of the two Google speaks is agreed on with TLS.
//!
//! hyper-util's client does the same, but gives each connection a task of its own; see `http1` for what that costs.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, Shared};
use futures_util::{FutureExt, TryFutureExt};
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http2;
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::ServiceExt;

use super::connection_pool::Slot;
use super::connector::{Connector, Failure, Stream};
use super::http1::{Http1, Outgoing, Unsent};

/// How often connections that are not used grow older, and at which age they are closed: after 60 to 90 seconds.
const SWEEP: Duration = Duration::from_secs(30);
const OLD: u8 = 3;

/// How often a request waits for a shared connection to be opened and finds it closed again, before it opens its own.
const OPENINGS: usize = 3;

/// Pings on an HTTP/2 connection with open streams: when one is sent, and how long its answer may take. They end the
/// streams of a connection that died without a word. `connection_pool` looks after new requests.
const PING_AFTER: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

type Http2 = http2::SendRequest<Full<Bytes>>;

/// The connections of one lane to one server. Clones share them.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    connector: Connector,
    /// Scheme and host of the server. All requests go to it.
    server: Uri,
    /// The same, as the `Host` header has it.
    host: HeaderValue,
    /// The number of idle HTTP/1.1 connections to keep.
    idle_limit: usize,
    open: Mutex<Open>,
}

/// What can be used at once, and what can be waited for.
#[derive(Default)]
struct Open {
    http2: Option<Aging<Http2>>,
    /// The latest used last, so that the others grow old and are closed.
    idle: Vec<Aging<Http1Connection>>,
    /// The connection being opened, which all wait for because it may become one to share.
    opening: Option<Opening>,
    /// Whether the server spoke HTTP/1.1 when last asked, so that nothing can be shared.
    http1_only: bool,
    /// Whether the task that closes old connections runs.
    swept: bool,
}

type Opening = Shared<BoxFuture<'static, Result<(), SendError>>>;

/// How many sweeps it was not used for.
struct Aging<C>(C, u8);

/// An open HTTP/1.1 connection. Boxed, because it moves between the pool, the request and the body.
type Http1Connection = Box<Http1<Box<dyn Stream>>>;

enum Connection {
    Http1(Http1Connection),
    Http2(Http2),
}

/// Why there is no response.
#[derive(Clone, Debug)]
pub enum SendError {
    /// No connection could be made.
    Connect(Arc<dyn Error + Send + Sync>),
    /// The connection broke before the response headers arrived.
    Broken(Arc<hyper::Error>),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect(_) => "no connection could be made",
            Self::Broken(_) => "the connection broke",
        })
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect(error) => Some(&**error),
            Self::Broken(error) => Some(&**error),
        }
    }
}

impl Connections {
    /// The connections to the server of this URL, none of which is open yet. Keeps this many idle ones.
    pub fn to(server: &Uri, connector: Connector, idle_limit: usize) -> Self {
        let server = server.clone();
        let host = server.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        let host = host.unwrap_or_else(|| HeaderValue::from_static(""));
        Self(Arc::new(Inner { connector, server, host, idle_limit, open: Mutex::default() }))
    }

    /// Sends a request and waits for the response headers. An idle connection may turn out to be closed when the request
    /// is to be written; it then goes on a new one.
    ///
    /// # Errors
    /// When no connection can be made, or it breaks before the headers arrive.
    pub async fn send(&self, mut request: Outgoing) -> Result<Response<ResponseBody>, SendError> {
        if let Some(connection) = self.0.at_hand() {
            let url = request.uri().clone();
            match self.send_on(connection, request).await {
                Ok(response) => return Ok(response),
                Err(mut error) => match error.take_message() {
                    None => return Err(error.into()),
                    Some(unsent) => request = unsent,
                },
            }
            *request.uri_mut() = url;
        }
        // Boxed, because it is large, rarely needed, and the futures around it are moved.
        let connection = Box::pin(self.fresh()).await?;
        Ok(self.send_on(connection, request).await?)
    }

    /// Sends a request on this connection. The request is given to the connection at once, so that the future, which
    /// others contain, has no room for it.
    fn send_on(
        &self,
        connection: Connection,
        mut request: Outgoing,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Unsent>> + Send {
        match connection {
            Connection::Http2(mut connection) => {
                let response = connection.try_send_request(request);
                Either::Left(
                    response.map_ok(|response| {
                        response.map(|body| ResponseBody { body: Some(body), on: None, slot: None })
                    }),
                )
            }
            Connection::Http1(mut connection) => {
                request.headers_mut().insert(HOST, self.0.host.clone());
                if !self.0.connector.forwards
                    && let Some(path) = request.uri().path_and_query().cloned()
                {
                    *request.uri_mut() = path.into();
                }
                let (response, lane) = (connection.send(request), self.clone());
                Either::Right(async move {
                    let response = connection.headers(response).await?;
                    let on = Some((connection, lane));
                    Ok(response.map(|body| ResponseBody { body: Some(body), on, slot: None }))
                })
            }
        }
    }

    /// A connection that was opened for this request, or for several that came together.
    async fn fresh(&self) -> Result<Connection, SendError> {
        for _ in 0..OPENINGS {
            let Some(opening) = self.shared_opening() else { break };
            opening.await?;
            if let Some(connection) = self.0.at_hand() {
                return Ok(connection);
            }
        }
        self.0.open().await
    }

    /// The connection being opened; begins to open one if there is none. None if each request needs its own.
    fn shared_opening(&self) -> Option<Opening> {
        let mut open = self.0.lock();
        if !std::mem::replace(&mut open.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
        if open.http1_only || self.0.server.scheme() != Some(&Scheme::HTTPS) {
            return None;
        }
        let opening = || {
            // A task, so that it goes on if the request that began it is given up.
            let lane = self.0.clone();
            let task = tokio::spawn(async move {
                let opened = lane.open().await;
                let mut open = lane.lock();
                open.opening = None;
                if let Connection::Http1(connection) = opened? {
                    open.idle.push(Aging(connection, 0));
                }
                Ok(())
            });
            let ended = |ended: Result<_, tokio::task::JoinError>| {
                ended.unwrap_or_else(|error| Err(SendError::Connect(Arc::new(error))))
            };
            task.map(ended).boxed().shared()
        };
        // One that has ended, and is still here, ended with a panic.
        open.opening.take_if(|opening| opening.peek().is_some());
        Some(open.opening.get_or_insert_with(opening).clone())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An open connection with room for a request.
    fn at_hand(&self) -> Option<Connection> {
        loop {
            let mut open = self.lock();
            if open.http2.as_ref().is_some_and(|Aging(connection, _)| connection.is_closed()) {
                open.http2 = None;
            }
            if let Some(Aging(connection, age)) = &mut open.http2 {
                *age = 0;
                return Some(Connection::Http2(connection.clone()));
            }
            let Aging(mut connection, _) = open.idle.pop()?;
            drop(open);
            // The server may have closed it in the meantime.
            if connection.is_idle() {
                return Some(Connection::Http1(connection));
            }
        }
    }

    /// Opens a connection. One that can be shared is at hand from then on.
    async fn open(&self) -> Result<Connection, SendError> {
        let connecting = |error: Failure| SendError::Connect(error.into());
        let stream = self.connector.clone().oneshot(self.server.clone()).await.map_err(connecting)?;
        let speaks_http2 = stream.connected().is_negotiated_h2();
        self.lock().http1_only = !speaks_http2;
        // Boxed, because many may wait for the line above at the same time, and these are large.
        if speaks_http2 {
            return Ok(Connection::Http2(Box::pin(self.http2(stream)).await?));
        }
        Ok(Connection::Http1(Box::new(Box::pin(Http1::over(stream)).await?)))
    }

    /// Speaks HTTP/2 on this stream, from now on for all requests.
    async fn http2(&self, stream: Box<dyn Stream>) -> Result<Http2, SendError> {
        let (mut requests, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .adaptive_window(true)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .handshake(stream)
            .await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an HTTP/2 connection to upstream broke");
            }
        });
        requests.ready().await?;
        self.lock().http2 = Some(Aging(requests.clone(), 0));
        Ok(requests)
    }

    /// Takes back a connection after a response.
    fn keep(&self, mut connection: Http1Connection) {
        // Nothing may remain of the response.
        if !connection.is_idle() {
            return;
        }
        let mut open = self.lock();
        if open.idle.len() < self.idle_limit {
            open.idle.push(Aging(connection, 0));
        }
    }
}

/// Closes connections that are not used.
async fn sweep(lane: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(lane) = lane.upgrade() else { return };
        let mut open = lane.lock();
        // Streams that are still open on it go on: it closes after the last of them.
        open.http2 = open.http2.take().and_then(Aging::older);
        open.idle = open.idle.drain(..).filter_map(Aging::older).collect();
    }
}

impl<C> Aging<C> {
    fn older(self) -> Option<Self> {
        let Self(connection, age) = self;
        (age + 1 < OLD).then_some(Self(connection, age + 1))
    }
}

impl From<Unsent> for SendError {
    fn from(error: Unsent) -> Self {
        error.into_error().into()
    }
}

impl From<hyper::Error> for SendError {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(Arc::new(error))
    }
}

/// The body of a response. Gives back its HTTP/1.1 connection when dropped, or closes it if the body has not ended.
pub struct ResponseBody {
    /// None only while being dropped.
    body: Option<Incoming>,
    /// The HTTP/1.1 connection it comes from, and where that belongs.
    on: Option<(Http1Connection, Connections)>,
    /// Its slot on the lane, if it was given one.
    slot: Option<Slot>,
}

impl ResponseBody {
    /// Holds a slot until it is dropped.
    pub(super) fn holding(mut self, slot: Slot) -> Self {
        self.slot = Some(slot);
        self
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Self { body, on, .. } = &mut *self;
        match (body, on) {
            (Some(body), Some((connection, _))) => connection.poll_body(body, context),
            (Some(body), None) => Pin::new(body).poll_frame(context),
            (None, _) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // First, so that the connection knows that nobody reads it any more.
        drop(self.body.take());
        if let Some((connection, home)) = self.on.take() {
            home.0.keep(connection);
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResponseBody").field(&self.body).field(&self.slot).finish()
    }
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
