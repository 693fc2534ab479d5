//! What goes over the wire: mirrors of the vendors' documents, and the two encodings they travel in.
//! Never: a decision. What a field means to us is `protocol`'s business.

pub mod anthropic;
pub mod gemini;
pub mod json;
pub mod openai;
pub mod sse;
