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
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;

use super::connection::{ConnectionLimit, on_accept_error};
use super::{App, service, tls};

/// How long answers that are cut off may take to send their final error.
const FINAL_ERROR_GRACE: Duration = Duration::from_secs(1);

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
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(header_timeout)
        // hyper's default of about 400 KiB per connection is for headers that nobody sends.
        .max_buf_size(64 * 1024);
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
