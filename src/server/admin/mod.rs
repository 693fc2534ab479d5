//! What an operator may do. One file a matter.

pub mod cache;
pub mod capsule;
pub mod clients;
pub mod config;
pub mod feed;
pub mod keys;
pub mod page;
mod parts;
pub mod requests;
pub mod translate;
