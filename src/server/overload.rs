//! Whether more has come than can be done: how long a task that is ready waits until it is run. When it waits too long, and has done so
//! for a while, new requests are turned away at once, so that those under way are finished in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::Error;

/// How often it is looked.
const PACE: Duration = Duration::from_millis(20);
/// A wait that is too long. A request is run some ten times until it is answered: it would take a second longer.
const TOO_LONG: Duration = Duration::from_millis(100);
/// So many looks in a row make an overload: one long wait alone is a burst, or a pause of the machine.
const IN_A_ROW: u32 = 5;
/// When a client may come back.
const COME_BACK: Duration = Duration::from_secs(1);

/// How the server bears its load.
#[derive(Clone, Debug, Default)]
pub struct Overload(Arc<AtomicU32>);

impl Overload {
    /// Looks for as long as it is polled.
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

    /// Whether one more request may come in.
    ///
    /// # Errors
    /// 503, when there is too much to do already.
    pub fn admit(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) < IN_A_ROW {
            return Ok(());
        }
        let mut error = Error::unavailable("overloaded", "This server has more to do than it can. Try again later.");
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
