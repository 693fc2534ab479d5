//! One upstream operation, ready to be sent on any key.
//! Never: a key, a URL, a header.

use bytes::Bytes;

use crate::model::ModelName;

/// What is asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One whole answer.
    Generate,
    /// An answer in pieces, as server-sent events.
    Stream,
    /// How many tokens a prompt has.
    CountTokens,
    /// The vector of one content.
    Embed,
    /// The vectors of several contents.
    EmbedBatch,
    /// Pictures of an Imagen model.
    Predict,
}

impl Method {
    /// Google's name for it, as its paths have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generate => "generateContent",
            Self::Stream => "streamGenerateContent",
            Self::CountTokens => "countTokens",
            Self::Embed => "embedContent",
            Self::EmbedBatch => "batchEmbedContents",
            Self::Predict => "predict",
        }
    }

    /// Whether Google answers in pieces.
    pub fn streams(self) -> bool {
        self == Self::Stream
    }
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
