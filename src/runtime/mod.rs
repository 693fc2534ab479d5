//! What is live: one immutable [`Snapshot`] at a time, what outlives it ([`Services`]), and how one takes the place of another.
//! Never: a half-built snapshot, a second switch.

mod change;
mod reload;
mod services;
mod snapshot;
#[cfg(test)]
mod tests;
mod watch;

pub use change::{Change, changes};
pub use reload::{Live, Refused, Reloaded};
pub use services::{ListedModels, Services};
pub use snapshot::{Snapshot, prepare};
pub use watch::{Watch, watch};
