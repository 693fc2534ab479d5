//! The listener: timers on headers, a stop that lets open streams finish, up to a deadline.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::ServiceExt;
use axum::http::Request;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{App, service, tls};

/// A server that accepts.
pub struct Running {
    /// Where.
    pub address: SocketAddr,
    scheme: &'static str,
    app: App,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

/// Begins to accept on `listener`, in TLS where a certificate is configured.
///
/// # Errors
/// When the listener is unusable, or TLS is.
pub fn run(app: App, listener: TcpListener, header_timeout: Duration) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener.into_std()?)?.handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(header_timeout)
        // hyper's own default of 400 KiB a connection is for headers nobody sends.
        .max_buf_size(64 * 1024);
    let make = ServiceExt::<Request<_>>::into_make_service_with_connect_info::<SocketAddr>(service(app.clone()));
    let (scheme, task) = match tls::config(&app.live)? {
        None => ("http", tokio::spawn(async move { server.serve(make).await })),
        Some(config) => {
            let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config)).handshake_timeout(header_timeout);
            ("https", tokio::spawn(async move { server.acceptor(acceptor).serve(make).await }))
        }
    };
    Ok(Running { address, scheme, app, handle, task })
}

impl Running {
    /// Where it accepts, as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Stops: not ready at once, no new connections, open answers may finish until `drain` is over.
    ///
    /// # Errors
    /// When the listener failed meanwhile.
    pub async fn stop(self, drain: Duration) -> io::Result<()> {
        self.app.draining.store(true, Ordering::Relaxed);
        self.handle.graceful_shutdown(Some(drain));
        self.finished().await
    }

    /// Until it stops by itself, which only a failure makes it do.
    ///
    /// # Errors
    /// The failure.
    pub async fn finished(self) -> io::Result<()> {
        self.task.await.unwrap_or_else(|_| Err(io::Error::other("the server broke off")))
    }
}
