//! One reusable timer for many consecutive waits. Creating and dropping a timer takes a lock of the runtime each, and
//! almost none of the timers of a stream ever fire.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer. A later deadline does not reset it: it is reset only when it fires too early.
#[derive(Debug)]
pub struct Timer(Pin<Box<Sleep>>);

impl Timer {
    /// A timer for waits that end at `due` or later.
    pub fn at(due: Instant) -> Self {
        Self(Box::pin(sleep_until(due)))
    }

    /// Awaits `future`, but no longer than until `due`. Returns None on timeout.
    pub async fn until<F: Future>(&mut self, due: Instant, future: F) -> Option<F::Output> {
        if due < self.0.deadline() {
            self.0.as_mut().reset(due);
        }
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            loop {
                ready!(self.0.as_mut().poll(context));
                if Instant::now() >= due {
                    return Poll::Ready(None);
                }
                self.0.as_mut().reset(due);
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_wait_ends_at_its_own_time() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut timer = Timer::at(after(10));
        assert_eq!(timer.until(after(10), sleep(Duration::from_secs(9))).await, Some(()));
        assert_eq!(timer.until(after(19), pending::<()>()).await, None, "it rang at ten first");
        assert_eq!(begin.elapsed(), Duration::from_secs(19));
        assert_eq!(timer.until(after(30), sleep(Duration::from_secs(1))).await, Some(()), "after it has rung");
        assert_eq!(timer.until(after(25), pending::<()>()).await, None, "an end that is earlier than one before");
        assert_eq!(begin.elapsed(), Duration::from_secs(25));
        assert_eq!(timer.until(after(1), pending::<()>()).await, None, "one that is over");
        assert_eq!(begin.elapsed(), Duration::from_secs(25));
        assert_eq!(timer.until(after(1), async {}).await, Some(()), "what is there counts");
    }
}
