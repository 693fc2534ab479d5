//! The rules of the key pool: state, event, moment and chance in; state and decision out.
//!
//! [`Breaker`] is one state machine; there is one for each key, one for each quota group and model, and one for each model.
//! [`Books`] hold them all, count what is used, and put blame where it lies.
//! Never: a lock, a clock, a log line, chance of its own.

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
