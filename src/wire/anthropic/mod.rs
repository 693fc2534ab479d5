//! Anthropic's documents.

pub mod error;
