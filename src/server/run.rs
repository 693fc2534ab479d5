//! Runs the listener. Enforces timeouts on headers. A stop lets open streams finish until a deadline, after which they
//! end with an error.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::ServiceExt;
use axum::http::Request;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use futures_util::future::BoxFuture;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;

use super::connection::{ConnectionLimit, on_accept_error};
use super::{App, service, tls};

/// How long answers that are cut off may take to send their final error.
const FINAL_ERROR_GRACE: Duration = Duration::from_secs(1);

/// Bytes that are buffered in each direction: headers on the way in, and on the way out what is not sent yet.
const BUFFER: usize = 64 * 1024;
/// Bytes of request bodies that a client may send over HTTP/2 before they are read.
const WINDOW: u32 = 1024 * 1024;

/// A running server, until it is dropped.
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    scheme: &'static str,
    app: App,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

/// Starts accepting on `listener`, with TLS if a certificate is configured.
///
/// # Errors
/// When the listener or the TLS configuration is unusable.
pub fn run(app: App, listener: TcpListener, header_timeout: Duration) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener.into_std()?)?
        .handle(handle.clone())
        .accept_error_handler(on_accept_error)
        // The header timeout does not cover a connection that never sends anything.
        .first_request_timeout(header_timeout);
    limit(server.http_builder(), header_timeout);
    let make = ServiceExt::<Request<_>>::into_make_service_with_connect_info::<SocketAddr>(service(app.clone()));
    let door = ConnectionLimit::new(app.clone());
    let (scheme, serving): (_, BoxFuture<'static, io::Result<()>>) = match tls::config(&app.live)? {
        None => ("http", Box::pin(server.acceptor(door).serve(make))),
        Some(config) => {
            let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config)).handshake_timeout(header_timeout);
            ("https", Box::pin(server.acceptor(acceptor.acceptor(door)).serve(make)))
        }
    };
    let overload = app.overload.clone();
    let task = tokio::spawn(async move {
        tokio::select! {
            served = serving => served,
            () = overload.watch() => Ok(()),
        }
    });
    Ok(Running { address, scheme, app, handle, task })
}

/// Sets what one connection may cost. `connection` adds what the library has no setting for.
fn limit(builder: &mut Builder<TokioExecutor>, header_timeout: Duration) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        // hyper's default of about 400 KiB per connection is for headers that nobody sends.
        .max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        // As many as a gateway needs that sends the requests of all its clients over one connection.
        .max_concurrent_streams(200)
        // The same for headers and buffers as over HTTP/1.1. The former also bounds how many frames they may be split
        // into, and the latter counts for each stream: hyper's default would allow 80 MiB per connection.
        .max_header_list_size(BUFFER as u32)
        .max_send_buf_size(BUFFER)
        // Bodies that nobody has read yet, per connection and per stream.
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_frame_size(16 * 1024)
        // Requests that are cancelled before they are looked at, and mistakes: a client that makes more is attacking.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1024)
        // A client that has vanished without a word.
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
}

impl Running {
    /// The URL it listens on.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Stops the server. Readiness fails immediately and no new connections are accepted; open answers may finish until
    /// `drain` is over. Those still open then end with an error.
    ///
    /// # Errors
    /// When the listener has failed.
    pub async fn stop(mut self, drain: Duration) -> io::Result<()> {
        self.app.draining.store(true, Ordering::Relaxed);
        self.handle.graceful_shutdown(Some(drain + FINAL_ERROR_GRACE));
        tokio::select! {
            ended = &mut self.task => return over(ended),
            () = sleep(drain) => self.app.services.stop.now(),
        }
        self.finished().await
    }

    /// Waits until the server stops by itself, which only a failure causes.
    ///
    /// # Errors
    /// The failure.
    pub async fn finished(mut self) -> io::Result<()> {
        over((&mut self.task).await)
    }
}

/// A server that nobody holds any more stops at once and closes its listener.
impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn over(ended: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    ended.unwrap_or_else(|_| Err(io::Error::other("the server task ended unexpectedly")))
}
