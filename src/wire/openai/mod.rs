//! OpenAI's documents.

pub mod chat;
pub mod error;
mod google;
pub mod responses;
