//! Anthropic's request and error documents.

pub mod error;
pub mod messages;
