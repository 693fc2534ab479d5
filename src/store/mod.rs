//! What is remembered between requests. In this process's memory, bounded in bytes and in time.
//! Never: a reason for a request to fail.

mod conversations;
mod refusals;
mod signatures;
mod standing;
mod table;

pub use conversations::Conversations;
pub use refusals::Refusals;
pub use signatures::Signatures;
pub use standing::{Scope, Standing, Used, Witness};
pub use table::{Bounds, Table};
