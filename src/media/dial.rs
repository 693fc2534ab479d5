//! The last step before a connection: resolves a host and checks whether its addresses may be dialled.
//!
//! The addresses checked here are the ones dialled: whether a URL contained an address, a name that resolves to one, or
//! led to a redirect to either, it passes through here, and nothing is resolved a second time in between.

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

/// Time limit for connecting to one of several addresses.
const PATIENCE: Duration = Duration::from_secs(3);

/// Name resolution and connections: the system's, unless a test replaces them.
pub trait Network: Debug + Send + Sync {
    /// Resolves a name.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
    /// Connects to exactly this address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// The system's name resolution and connections.
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

/// The operator's own hosts: `images.internal`, or limited to a single port, `10.0.0.7:8080`.
#[derive(Clone, Debug)]
pub struct Trusted(Arc<[String]>);

impl Trusted {
    /// Ignores case.
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

/// Connects to hosts that may be dialled.
#[derive(Clone, Debug)]
pub struct Dialler {
    /// Hosts whose addresses need not be public.
    pub trusted: Trusted,
    /// How it resolves names and connects.
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
        // A private address among public ones is an attack, not an accident.
        if !self.trusted.holds(host, port) && !found.iter().all(|address| is_public(address.ip())) {
            return Err(refused("it resolves to a non-public address"));
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
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
