//! One upstream operation, ready to be sent on any key.
//! Never: a key, a URL, a header.

use bytes::Bytes;

use crate::model::ModelName;

/// A method of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A whole answer.
    Generate,
    /// An answer in chunks, as server-sent events.
    Stream,
    /// The number of tokens in a prompt.
    CountTokens,
    /// The embedding of one content.
    Embed,
    /// The embeddings of several contents.
    EmbedBatch,
    /// Images from an Imagen model.
    Predict,
}

impl Method {
    /// Google's name for the method, as in its paths.
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

    /// Whether Google answers in chunks.
    pub fn streams(self) -> bool {
        self == Self::Stream
    }
}

/// One upstream operation.
#[derive(Clone, Debug)]
pub struct Call {
    /// The model.
    pub model: ModelName,
    /// The method.
    pub method: Method,
    /// The JSON body. `Bytes`, so that sending it again with another key copies nothing.
    pub body: Bytes,
}
