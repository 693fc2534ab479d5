//! Connections of clients: accepted up to a limit, served in the version of HTTP that the client speaks, and dropped when
//! it stops reading.

mod ending;
mod guarded;
mod http2;
mod open;
mod serve;
mod version;

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use self::serve::Server;
use super::App;
use crate::error::Error;
use crate::protocol::{Family, OpenAi};

pub use ending::Notice;
pub use open::OpenConnections;

/// Open files reserved for uses other than connections: logs, the store, configuration, Redis.
const SPARE_FILES: u64 = 64;
/// Minimum interval between two logs of the same problem.
const QUIET: Duration = Duration::from_secs(10);
/// How long nothing is accepted after a failure of the listener, which will hardly be over at once: out of files.
const AGAIN: Duration = Duration::from_millis(50);
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

/// Accepts connections up to a limit, and has them served, until it is dropped.
///
/// # Errors
/// When the TLS configuration is unusable.
pub fn accept(
    app: App,
    listener: TcpListener,
    open: Arc<OpenConnections>,
    header_timeout: Duration,
) -> io::Result<impl Future<Output = Infallible> + Send> {
    let server = Arc::new(Server::new(app.clone(), header_timeout)?);
    let files = files();
    Ok(async move {
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                // Errors of a single connection are not the server's concern.
                Err(error) if is_of_the_client(&error) => continue,
                Err(error) => {
                    if is_due() {
                        complain(&error);
                    }
                    sleep(AGAIN).await;
                    continue;
                }
            };
            let most = app.live.snapshot().config.settings.server.max_connections.min(files);
            match open.enter(most) {
                Some(place) => drop(tokio::spawn(server.clone().serve(stream, peer, place))),
                None => {
                    if is_due() {
                        tracing::warn!(
                            "connections are rejected: raise `server.max_connections`, or the limit of open files (ulimit -n, LimitNOFILE)"
                        );
                    }
                    tokio::spawn(reject(stream));
                }
            }
        }
    })
}

/// How many connections the file limit allows. Each request may also need a connection to Google, so clients get half of
/// the files.
fn files() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(SPARE_FILES) / 2;
    usize::try_from(files).unwrap_or(usize::MAX)
}

/// Whether a connection has failed before it was accepted.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}

/// Sends the 503 and closes. The send buffer of a new connection always has room for it, so this never waits for the
/// client.
async fn reject(stream: TcpStream) -> io::Result<usize> {
    stream.writable().await?;
    stream.try_write(&FULL)
}

/// Logs why the listener fails.
fn complain(error: &io::Error) {
    if matches!(error.raw_os_error(), Some(23 | 24)) {
        tracing::error!(%error, "out of file descriptors: raise the limit (ulimit -n, LimitNOFILE)");
    } else {
        tracing::error!(%error, "connections cannot be accepted");
    }
}

/// Whether it is time to log once more why connections are not accepted.
fn is_due() -> bool {
    static SINCE: OnceLock<Instant> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = u64::try_from(SINCE.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX);
    let quiet = u64::try_from(QUIET.as_millis()).unwrap_or(u64::MAX);
    NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| (now >= next).then_some(now + quiet)).is_ok()
}
