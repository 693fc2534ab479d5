//! One upstream operation, ready to be sent on any key.
//! Never: a key, a URL, a header.

use bytes::Bytes;

use crate::model::ModelName;

/// What is asked of Google.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `generateContent`: one whole answer.
    Generate,
    /// `streamGenerateContent?alt=sse`: an answer in pieces.
    Stream,
}

/// One upstream operation.
#[derive(Clone, Debug)]
pub struct Call {
    /// Of which model.
    pub model: ModelName,
    /// What is asked.
    pub method: Method,
    /// The JSON body. `Bytes`, so that sending it again on another key copies nothing.
    pub body: Bytes,
}
