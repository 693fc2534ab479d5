//! Name resolution that remembers addresses, so that a name server that fails or returns nothing for a while does not
//! cut us off from Google.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use tokio::time::Instant;
use tower::Service;

/// How long the last known addresses are used when resolution fails.
const KEPT: Duration = Duration::from_secs(300);

/// Resolves through the system and remembers the results. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Resolver(Arc<Mutex<Known>>);

/// By name: the time of the last success and its addresses.
type Known = HashMap<String, (Instant, Vec<SocketAddr>)>;

impl Resolver {
    /// Returns `found`, or the last known addresses if it failed or is empty.
    fn known_or(&self, name: &str, found: io::Result<Vec<SocketAddr>>) -> io::Result<Vec<SocketAddr>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                known.insert(name.to_owned(), (Instant::now(), addresses.clone()));
                Ok(addresses)
            }
            nothing => match known.get(name) {
                Some((since, addresses)) if since.elapsed() < KEPT => {
                    tracing::warn!(name, "cannot resolve the name: using its last known addresses");
                    Ok(addresses.clone())
                }
                _ => nothing,
            },
        }
    }
}

impl Service<Name> for Resolver {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map(Iterator::collect);
            this.known_or(name.as_str(), found).map(Vec::into_iter)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_good_addresses_are_kept_for_a_while() {
        let resolver = Resolver::default();
        let address = |last| vec![SocketAddr::from(([192, 0, 2, last], 0))];
        let failed = || Err(io::Error::other("no such name"));
        assert!(resolver.known_or("google", failed()).is_err(), "nothing is known yet");
        for last in [1, 2] {
            assert_eq!(resolver.known_or("google", Ok(address(last))).unwrap(), address(last));
        }
        tokio::time::advance(KEPT / 2).await;
        for nothing in [failed(), Ok(Vec::new())] {
            assert_eq!(resolver.known_or("google", nothing).unwrap(), address(2));
        }
        assert!(resolver.known_or("other", failed()).is_err());
        tokio::time::advance(KEPT).await;
        assert!(resolver.known_or("google", failed()).is_err(), "too long ago");
    }
}
