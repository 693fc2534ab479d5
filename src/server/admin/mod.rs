//! The operator's endpoints, one file per subject.

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
