//! Anthropic's documents.

pub mod error;
pub mod messages;
