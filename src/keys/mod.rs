//! The key pool: which key serves a request, and how long a failed key cools down.
//!
//! [`core`] contains the pure rules: state, event, time and randomness in, state and decision out. The [`Ledger`] holds
//! its books under a lock and outlives every reload; a [`KeyPool`] is one configured view of it; a [`Lease`] is a key
//! in use.
//! Never: a status code, the content of a request, a clock.

mod claim;
mod core;
#[cfg(test)]
mod interleavings;
mod key;
mod lease;
mod ledger;
mod no_key;
mod pool;
#[cfg(test)]
mod properties;
mod queue;
mod retries;
mod selection;
pub mod settings;
mod status;
#[cfg(test)]
mod tests;
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a trial of policies serves nobody")]
pub mod trial;

pub use key::{Key, KeyId};
pub use lease::{Lease, Tried};
pub use ledger::Ledger;
pub use no_key::NoKey;
pub use pool::{KeyPool, LeaseRequest};
pub use queue::{Queue, Slot};
pub use retries::{Active, RetryBudget};
pub use settings::{CooldownSettings, PoolSettings};
pub use status::{Counts, KeyStatus};
