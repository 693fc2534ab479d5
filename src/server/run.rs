//! A running server, and how it stops: open streams may finish until a deadline, after which they end with an error.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::App;
use super::connection::{self, Notice, OpenConnections};

/// How long answers that are cut off may take to send their final error.
const FINAL_ERROR_GRACE: Duration = Duration::from_secs(1);

/// A running server, until it is dropped.
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    scheme: &'static str,
    app: App,
    open: Arc<OpenConnections>,
    /// Holds the listener.
    accepting: JoinHandle<Infallible>,
    /// Watches for overload.
    watching: JoinHandle<()>,
}

/// Starts accepting on `listener`, with TLS if a certificate is configured.
///
/// # Errors
/// When the listener or the TLS configuration is unusable.
pub fn run(app: App, listener: TcpListener, header_timeout: Duration) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let scheme = if app.live.snapshot().certificate.is_some() { "https" } else { "http" };
    let open = Arc::new(OpenConnections::default());
    let accepting = tokio::spawn(connection::accept(app.clone(), listener, open.clone(), header_timeout)?);
    let watching = tokio::spawn(app.overload.clone().watch());
    Ok(Running { address, scheme, app, open, accepting, watching })
}

impl Running {
    /// The URL it listens on.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Stops the server. Readiness fails immediately and no new connections are accepted; open answers may finish until
    /// `drain` is over. Those still open then end with an error.
    pub async fn stop(mut self, drain: Duration) {
        self.app.draining.store(true, Ordering::Relaxed);
        self.accepting.abort();
        // Afterwards the listener is closed.
        let _ = (&mut self.accepting).await;
        self.open.tell(Notice::Finish);
        if timeout(drain, self.open.all_closed()).await.is_err() {
            self.app.services.stop.now();
            let _ = timeout(FINAL_ERROR_GRACE, self.open.all_closed()).await;
        }
    }
}

/// A server that nobody holds any more stops at once and closes its listener and its connections.
impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
        self.watching.abort();
        self.open.tell(Notice::Abort);
    }
}
