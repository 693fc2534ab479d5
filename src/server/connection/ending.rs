//! How a connection is told to end, from outside of the task that serves it.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// What a connection is told, from weakest to strongest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// Nothing yet.
    #[default]
    None,
    /// Answer the requests that have begun, accept no others, and close.
    Finish,
    /// Close at once.
    Abort,
}

/// The notice for one connection. A plain number that its task reads whenever it runs anyway: a channel would cost each
/// event of a stream a lock.
#[derive(Debug, Default)]
pub struct Ending {
    notice: AtomicU8,
    task: AtomicWaker,
}

impl Ending {
    /// Tells the connection. A stronger notice is never taken back.
    pub fn tell(&self, notice: Notice) {
        self.notice.fetch_max(notice as u8, Ordering::AcqRel);
        self.task.wake();
    }

    /// What the connection was told so far. Its task is woken when it is told more.
    pub fn told(&self, context: &Context<'_>) -> Notice {
        // Before the notice is read, so that none in between is missed.
        self.task.register(context.waker());
        match self.notice.load(Ordering::Acquire) {
            0 => Notice::None,
            1 => Notice::Finish,
            _ => Notice::Abort,
        }
    }

    /// Runs `future` unless the connection is told to end before it is done.
    pub async fn unless_told<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        poll_fn(|context| match self.told(context) {
            Notice::None => future.as_mut().poll(context).map(Some),
            Notice::Finish | Notice::Abort => Poll::Ready(None),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_notice_wakes_and_only_grows() {
        let ending = Ending::default();
        assert_eq!(ending.unless_told(async { 7 }).await, Some(7));
        let (stopped, ()) = tokio::join!(ending.unless_told(pending::<()>()), async { ending.tell(Notice::Finish) });
        assert_eq!(stopped, None);
        ending.tell(Notice::Abort);
        ending.tell(Notice::Finish);
        assert_eq!(poll_fn(|context| Poll::Ready(ending.told(context))).await, Notice::Abort);
    }
}
