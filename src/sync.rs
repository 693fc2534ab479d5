//! The locks and counters that threads share: those of `std` or, with the feature `interleavings`, which only tests
//! enable, those of loom, which tries every interleaving of threads.

#[cfg(feature = "interleavings")]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicUsize};
#[cfg(not(feature = "interleavings"))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicUsize};

/// Runs models of threads.
#[cfg(feature = "interleavings")]
#[cfg(test)]
pub(crate) mod model {
    use loom::model::Builder;
    use loom::thread::{self, JoinHandle};

    /// Stack size of a modelled thread, in words: loom's own default is for smaller programs.
    const STACK: usize = 0x2_0000;
    /// How often a thread may be preempted: with two, loom's authors say, most faults are found.
    const STOPS: usize = 3;

    /// Runs `body` under every interleaving of its threads.
    pub(crate) fn every_order(body: fn()) {
        // Time zones are loaded once, under a lock that loom does not know about.
        crate::pacific::until_midnight(crate::clock::Clock::start().now());
        let mut builder = Builder::new();
        builder.preemption_bound = Some(STOPS);
        builder.check(move || spawn(body).join().unwrap());
    }

    /// Spawns a thread of the model.
    pub(crate) fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        thread::Builder::new().stack_size(STACK).spawn(body).unwrap()
    }
}
