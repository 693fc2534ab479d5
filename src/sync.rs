//! What counts who holds what, between threads: `std`'s. With the feature `interleavings`, which only tests have, they are loom's, and every
//! order in which threads can come to them is tried.

#[cfg(feature = "interleavings")]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicUsize};
#[cfg(not(feature = "interleavings"))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicUsize};

/// How models of threads are run.
#[cfg(feature = "interleavings")]
#[cfg(test)]
pub(crate) mod model {
    use loom::model::Builder;
    use loom::thread::{self, JoinHandle};

    /// Words on the stack of a modelled thread: loom's own measure is for smaller things.
    const STACK: usize = 0x2_0000;
    /// How often a thread may be stopped where it did not have to: with two, loom's authors say, most faults are found.
    const STOPS: usize = 3;

    /// Runs this in every order in which its threads can come to what they share.
    pub(crate) fn every_order(body: fn()) {
        // Time zones are read once, under a lock that loom knows nothing of.
        crate::pacific::until_midnight(crate::clock::Clock::start().now());
        let mut builder = Builder::new();
        builder.preemption_bound = Some(STOPS);
        builder.check(move || spawn(body).join().unwrap());
    }

    /// A thread of the model.
    pub(crate) fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        thread::Builder::new().stack_size(STACK).spawn(body).unwrap()
    }
}
