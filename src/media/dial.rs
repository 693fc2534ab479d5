//! The last step before a connection: where a host leads, and whether that may be dialled.
//!
//! What is looked at here is what is dialled: whether a URL bore an address, or a name that leads to one, or a redirect to either,
//! it comes by here, and nothing is resolved a second time in between.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

use super::address::is_public;

/// Until one address of several has answered.
const PATIENCE: Duration = Duration::from_secs(3);

/// Names, and the world behind them: the system's, unless a test stands in for it.
pub trait Network: Debug + Send + Sync {
    /// Where a name leads.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
    /// A connection to just this address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// The system's.
#[derive(Debug)]
pub struct System;

impl Network for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }
}

/// Hosts of the operator's own: `images.internal`, or with the one port that is meant, `10.0.0.7:8080`.
#[derive(Clone, Debug)]
pub struct Trusted(Arc<[String]>);

impl Trusted {
    /// In any case of letters.
    pub fn new(hosts: &[String]) -> Self {
        Self(hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
    }

    /// Whether this host, at this port, is one of them.
    pub fn holds(&self, host: &str, port: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let with_port = format!("{host}:{port}");
        self.0.iter().any(|own| *own == host || *own == with_port)
    }
}

/// Connects to what may be dialled.
#[derive(Clone, Debug)]
pub struct Dialler {
    /// Whose addresses need not be public.
    pub trusted: Trusted,
    /// What it dials by.
    pub network: Arc<dyn Network>,
}

impl Dialler {
    async fn dial(&self, url: &Uri) -> io::Result<TcpStream> {
        let refused = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, why);
        let host = url.host().ok_or_else(|| refused("no host"))?;
        let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let found = match literal {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.network.resolve(host, port).await?,
        };
        // One bad address among good ones is a trick, not an accident.
        if !self.trusted.holds(host, port) && !found.iter().all(|address| is_public(address.ip())) {
            return Err(refused("it leads to an address that is not public"));
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name leads nowhere");
        for address in found {
            match timeout(PATIENCE, self.network.connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }
}

impl Service<Uri> for Dialler {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.dial(&url).await.map(TokioIo::new) })
    }
}
