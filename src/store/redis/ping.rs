//! Checks whether a Redis answers at an address, before anything is stored there. Writes nothing.

use std::time::Duration;

use ::redis::{AsyncConnectionConfig, Client, RedisError, cmd};
use tokio::time::timeout;

use super::link::describe;
use crate::secret::Secret;

/// Time limit, including TLS.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether Redis answers, in plain text, over TLS or at a local socket; and its address, without a password.
pub async fn is_there(url: &Secret) -> (String, Result<(), String>) {
    let client = match Client::open(url.expose()) {
        Ok(client) => client,
        Err(error) => return ("no address".to_owned(), Err(describe(&error))),
    };
    let place = client.get_connection_info().addr().to_string();
    let answered = timeout(PATIENCE, ping(&client)).await;
    (place, answered.map_err(|_| "no answer in time".to_owned()).and_then(|done| done.map_err(|error| why(&error))))
}

async fn ping(client: &Client) -> Result<(), RedisError> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    cmd("PING").query_async(&mut connection).await
}

/// Describes an error by its innermost cause if it is an I/O error: for TLS, that is what is wrong with the
/// certificate.
fn why(error: &RedisError) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    if error.is_io_error() { reason.to_string() } else { describe(error) }
}
