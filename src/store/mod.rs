//! What is remembered between requests. In this process's memory, bounded in bytes and in time.
//! Never: a reason for a request to fail.

mod conversations;
mod owners;
mod refusals;
mod signatures;
mod standing;
mod table;

pub use conversations::Conversations;
pub use owners::{CACHES_KEPT, FILES_KEPT, Owner, Owners, UPLOADS_KEPT};
pub use refusals::Refusals;
pub use signatures::Signatures;
pub use standing::{Scope, Standing, Used, Witness};
pub use table::{Bounds, Table};
