//! The listener: timers on headers, a stop that lets open streams finish, up to a deadline, and then has them say that they end.

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

use super::connection::{ConnectionLimit, troubled};
use super::{App, service, tls};

/// How long answers that have to end may take to say so.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    let mut server = axum_server::from_tcp(listener.into_std()?)?
        .handle(handle.clone())
        .accept_error_handler(troubled)
        // A connection on which nothing comes has no headers that could be late.
        .first_request_timeout(header_timeout);
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(header_timeout)
        // hyper's own default of 400 KiB a connection is for headers nobody sends.
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
    /// Where it accepts, as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Stops: not ready at once, no new connections, open answers may finish until `drain` is over. Those that are open then end with
    /// an error.
    ///
    /// # Errors
    /// When the listener failed meanwhile.
    pub async fn stop(mut self, drain: Duration) -> io::Result<()> {
        self.app.draining.store(true, Ordering::Relaxed);
        self.handle.graceful_shutdown(Some(drain + LAST_WORDS));
        tokio::select! {
            ended = &mut self.task => return over(ended),
            () = sleep(drain) => self.app.services.stop.now(),
        }
        self.finished().await
    }

    /// Until it stops by itself, which only a failure makes it do.
    ///
    /// # Errors
    /// The failure.
    pub async fn finished(self) -> io::Result<()> {
        over(self.task.await)
    }
}

fn over(ended: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    ended.unwrap_or_else(|_| Err(io::Error::other("the server broke off")))
}
