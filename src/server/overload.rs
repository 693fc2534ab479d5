//! Overload detection by scheduling delay: how long a ready task waits until it runs. When the delay stays too long for
//! a while, new requests are rejected immediately so that those in flight finish in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::Error;

/// Measurement interval.
const PACE: Duration = Duration::from_millis(20);
/// A delay that counts as too long. A request is polled about ten times until it is answered, so it would take a second
/// longer.
const TOO_LONG: Duration = Duration::from_millis(100);
/// Consecutive long delays that make an overload. A single one is a burst, or a pause of the machine.
const IN_A_ROW: u32 = 5;
/// The retry delay suggested to rejected clients.
const COME_BACK: Duration = Duration::from_secs(1);

/// The overload detector. Counts consecutive long delays.
#[derive(Clone, Debug, Default)]
pub struct Overload(Arc<AtomicU32>);

impl Overload {
    /// Measures the delay for as long as it is polled.
    pub async fn watch(self) {
        loop {
            let began = Instant::now();
            sleep(PACE).await;
            self.waited(began.elapsed().saturating_sub(PACE));
        }
    }

    fn waited(&self, wait: Duration) {
        if wait < TOO_LONG {
            self.0.store(0, Ordering::Relaxed);
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Decides whether to admit one more request.
    ///
    /// # Errors
    /// 503 while the server is overloaded.
    pub fn admit(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) < IN_A_ROW {
            return Ok(());
        }
        let mut error = Error::unavailable("overloaded", "This server is overloaded. Try again later.");
        error.retry_after = Some(COME_BACK);
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_waits_in_a_row_are_an_overload() {
        let overload = Overload::default();
        for _ in 0..IN_A_ROW - 1 {
            overload.waited(TOO_LONG);
        }
        assert!(overload.admit().is_ok(), "a burst");
        overload.waited(TOO_LONG);
        let refused = overload.admit().unwrap_err();
        assert_eq!((refused.status, refused.retry_after), (503, Some(COME_BACK)));
        overload.waited(Duration::ZERO);
        assert!(overload.admit().is_ok(), "over");
    }
}
