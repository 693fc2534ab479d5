//! The live state: one immutable [`Snapshot`] at a time, the [`Services`] that outlive it, and how one snapshot
//! replaces another.
//! Never: a partially built snapshot, a second way to replace it.

mod certificate;
mod change;
mod history;
mod reload;
mod restore;
mod rollback;
mod seal;
mod services;
pub mod settings;
mod snapshot;
mod start;
mod stop;
#[cfg(test)]
mod tests;
mod watch;

pub use certificate::Certificate;
pub use change::{Change, changes};
pub use history::{Generation, History};
pub use reload::{Live, Refusal, Refused, Reloaded};
pub use rollback::rollback_files;
pub use services::{ListedModels, Services};
pub use settings::RuntimeSettings;
pub use snapshot::{Snapshot, prepare};
pub use start::open;
pub use stop::Stop;
pub use watch::{Watch, watch};
