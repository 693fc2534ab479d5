//! Connections: limits how many are open, and drops a connection whose client has stopped reading.

mod http2;

use std::future::{Ready, ready};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum_server::accept::Accept;
use futures_util::future::{BoxFuture, Either};
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use self::http2::Watched;
use super::App;
use crate::error::Error;
use crate::protocol::{Family, OpenAi};

/// Open files reserved for uses other than connections: logs, the store, configuration, Redis.
const SPARE_FILES: u64 = 64;
/// Minimum interval between two logs of the same problem.
const QUIET: Duration = Duration::from_secs(10);
/// The response to a connection beyond the limit, sent before any of its request is read.
static FULL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let words = "This server has reached its connection limit. Try again later.";
    let body = OpenAi.error(&Error::unavailable("overloaded", words), "");
    let length = body.len();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), &body].concat()
});

/// Accepts connections up to a limit.
#[derive(Clone)]
pub struct ConnectionLimit {
    app: App,
    open: Arc<AtomicUsize>,
    /// How many connections the file limit allows. Each request may also need a connection to Google, so clients get
    /// half of the files.
    files: usize,
}

impl ConnectionLimit {
    /// Starts with no open connections.
    pub fn new(app: App) -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(SPARE_FILES) / 2;
        Self { app, open: Arc::default(), files: usize::try_from(files).unwrap_or(usize::MAX) }
    }

    /// Takes a permit for one more connection, if one is available.
    fn place(&self, most: usize) -> Option<Place> {
        let most = most.min(self.files);
        // Incremented before the check, so that two concurrent connections cannot both take the last permit.
        let place = Place(self.open.clone());
        (place.0.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

/// A connection and its service.
type Accepted<S> = (Guarded, Watched<S>);

impl<S: 'static> Accept<TcpStream, S> for ConnectionLimit {
    type Stream = Guarded;
    type Service = Watched<S>;
    type Future = Either<Ready<io::Result<Accepted<S>>>, BoxFuture<'static, io::Result<Accepted<S>>>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let snapshot = self.app.live.snapshot();
        let settings = &snapshot.config.settings.server;
        let Some(place) = self.place(settings.max_connections) else {
            return Either::Right(Box::pin(reject(stream)));
        };
        let patience = settings.write_timeout;
        let service = Watched::new(service, settings.header_timeout, patience);
        let nodelay = stream.set_nodelay(true);
        let guarded = nodelay.map(|()| (Guarded { stream, patience, stalled: None, _place: place }, service));
        Either::Left(ready(guarded))
    }
}

/// Sends the 503 and closes. The send buffer of a new connection always has room for it, so this never waits for the
/// client.
async fn reject<T>(stream: TcpStream) -> io::Result<T> {
    stream.writable().await?;
    stream.try_write(&FULL)?;
    Err(io::Error::new(ErrorKind::QuotaExceeded, "connection limit reached"))
}

/// The permit of one connection, returned when dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Logs why connections are not accepted, at most once per interval.
pub fn on_accept_error(_: Option<&SocketAddr>, error: &io::Error) {
    static SINCE: OnceLock<Instant> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Errors of a single connection are not the server's concern.
    let out_of_files = matches!(error.raw_os_error(), Some(23 | 24));
    if !out_of_files && error.kind() != ErrorKind::QuotaExceeded {
        return;
    }
    let now = u64::try_from(SINCE.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX);
    let quiet = u64::try_from(QUIET.as_millis()).unwrap_or(u64::MAX);
    let due = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| (now >= next).then_some(now + quiet));
    match (due, out_of_files) {
        (Err(_), _) => {}
        (Ok(_), true) => {
            tracing::error!(%error, "out of file descriptors: raise the limit (ulimit -n, LimitNOFILE)")
        }
        (Ok(_), false) => tracing::warn!(
            "connections are rejected: raise `server.max_connections`, or the limit of open files (ulimit -n, LimitNOFILE)"
        ),
    }
}

/// A connection that fails when the client reads nothing for too long.
pub struct Guarded {
    stream: TcpStream,
    patience: Duration,
    /// Set while a write is blocked.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Guarded {
    fn watched<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        // Discard data that the client has not read, instead of leaving it in the kernel.
        let _ = self.stream.set_zero_linger();
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watched(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
