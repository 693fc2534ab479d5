//! Requests that Google accepts only as several calls: each part is tried on its own, and the answers are merged into
//! one.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Exchange;
use super::attempt::{self, Opened};
use super::route::Route;
use crate::error::Error;
use crate::protocol::Accepted;

/// Maximum number of parts in flight, so that one client does not occupy all keys.
const AT_ONCE: usize = 4;

/// Tries the request, or each of its parts, until all have succeeded.
///
/// # Errors
/// The error of the first part that fails.
pub async fn all_succeed(exchange: &mut Exchange, accepted: &dyn Accepted, route: &Route) -> Result<Opened, Error> {
    let shares = accepted.split();
    if shares.is_empty() {
        return attempt::until_one_succeeds(exchange, accepted, route).await;
    }
    let mut parts: Vec<Exchange> = (0..shares.len()).map(|share| exchange.part(share)).collect();
    let tries: Vec<_> = parts.iter_mut().zip(&shares).map(|(part, share)| whole(part, &**share, route)).collect();
    let answers: Result<Vec<Bytes>, Error> = stream::iter(tries).buffered(AT_ONCE).try_collect().await;
    for part in &mut parts {
        exchange.record.take_in(&part.record);
        exchange.keeping.append(&mut part.keeping);
    }
    accepted.merged(&answers?).map(Opened::Whole).map_err(|fault| Error::from(&fault))
}

async fn whole(part: &mut Exchange, share: &dyn Accepted, route: &Route) -> Result<Bytes, Error> {
    match attempt::until_one_succeeds(part, share, route).await? {
        Opened::Whole(body) => Ok(body),
        Opened::Stream(_) => Err(Error::internal("A split request was answered by a stream.")),
    }
}
