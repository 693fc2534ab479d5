//! The pure rules of the key pool: state, event, time and randomness in; state and decision out.
//!
//! [`Breaker`] is the state machine; there is one per key, one per quota group and model, and one per model. [`Books`]
//! holds them all, counts usage, and assigns blame.
//! Never: a lock, a clock, a log line, its own source of randomness.

mod account;
mod books;
mod breaker;
#[cfg(test)]
mod cases;
mod failure_rate;
mod gate;
mod merge;
mod minute_window;
mod penalty;
mod siblings;
mod taking;
#[cfg(test)]
mod tests;
mod trust;

pub use account::DayUse;
pub use books::{Availability, Books, Epochs, Event, Taken};
pub use breaker::Breaker;
pub use gate::Gate;
pub use penalty::Policy;
pub use taking::Taking;
