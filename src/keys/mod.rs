//! The key pool: which key serves a request, and how long one rests that failed.
//!
//! [`breaker`] is the pure heart: state, event and time in, next state out. [`Ledger`] holds the states and outlives every
//! reload; a [`KeyPool`] is one configured view of it; a [`Lease`] is a key in use.
//! Never: a status code, a request's content, a clock.

mod breaker;
mod key;
mod ledger;
mod pool;
mod quota;
mod selection;
pub mod settings;
mod status;
#[cfg(test)]
mod tests;

pub use key::{Key, KeyId};
pub use ledger::Ledger;
pub use pool::{KeyPool, Lease, NoKey, Tried};
pub use settings::{CooldownSettings, PoolSettings};
pub use status::{Counts, KeyStatus};
