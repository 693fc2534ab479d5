//! The wire formats: types that mirror the vendors' documents, and the two encodings they use (JSON and SSE).
//! Never: a decision. What a field means to this server is up to `protocol`.

pub mod anthropic;
pub mod gemini;
pub mod json;
pub mod openai;
pub mod sse;
