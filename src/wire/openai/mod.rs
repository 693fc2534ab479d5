//! OpenAI's request, response and error documents.

pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod error;
pub mod form;
mod google;
pub mod images;
pub mod responses;
pub mod speech;
pub mod transcription;
