//! Gemini's documents (v1beta): the hub format that every dialect is translated to and from.

pub mod embed;
pub mod error;
pub mod generation;
pub mod predict;
pub mod request;
pub mod response;
