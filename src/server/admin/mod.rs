//! What an operator may do. One file a matter.

pub mod cache;
pub mod capsule;
pub mod config;
pub mod keys;
pub mod requests;
pub mod translate;
