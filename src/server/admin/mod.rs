//! What an operator may do. One file a matter.

pub mod config;
pub mod keys;
pub mod translate;
