//! What is remembered between requests. In this process's memory, bounded in bytes and in time.
//! Never: a reason for a request to fail.

mod refusals;
mod signatures;

pub use refusals::Refusals;
pub use signatures::Signatures;
