//! Translates Gemini's vectors to OpenAI's format: normalized to length one, as numbers or as base64.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::request::Parsed;
use crate::fault::Fault;
use crate::protocol::rules::answer::broken;
use crate::protocol::{AnswerContext, Reply, Usage};
use crate::wire::gemini::embed::Answer;
use crate::wire::openai::embeddings::{self, Embedding, List, Vector};

/// Translates the vectors of one call.
pub struct EmbeddingsReply {
    texts: Range<usize>,
    base64: bool,
    /// Estimated token count, for when Gemini does not report one.
    estimate: u64,
    stamp: AnswerContext,
    tokens: u64,
}

impl EmbeddingsReply {
    /// Creates a reply for this range of the texts.
    pub fn new(read: &Parsed<'_>, texts: Range<usize>, stamp: AnswerContext) -> Self {
        // About one token per four characters.
        let letters =
            read.texts.get(texts.clone()).unwrap_or_default().iter().map(|text| text.get().len().saturating_sub(2));
        let estimate = letters.map(|letters| letters.div_ceil(4) as u64).sum();
        Self { texts, base64: read.base64, estimate, stamp, tokens: 0 }
    }
}

impl Reply for EmbeddingsReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let answer: Answer = serde_json::from_slice(body).map_err(|_| broken("Gemini's vectors cannot be read."))?;
        if answer.embeddings.len() != self.texts.len() || answer.embeddings.iter().any(|one| one.values.is_empty()) {
            return Err(broken("Gemini did not return a vector for each text."));
        }
        self.tokens = answer.usage_metadata.map(|usage| usage.prompt_token_count).unwrap_or(self.estimate);
        let data = answer.embeddings.into_iter().zip(self.texts.clone()).map(|(one, index)| {
            let values = of_length_one(one.values);
            let embedding = if self.base64 { Vector::Base64(encoded(&values)) } else { Vector::Floats(values) };
            Embedding { object: "embedding", index, embedding }
        });
        let usage = embeddings::Usage { prompt_tokens: self.tokens, total_tokens: self.tokens };
        let list = List { object: "list", data: data.collect(), model: &self.stamp.model, usage };
        serde_json::to_vec(&list).map_err(|error| broken(format!("the vectors could not be written: {error}")))
    }

    fn usage(&self) -> Usage {
        Usage { prompt: self.tokens, ..Usage::default() }
    }
}

/// Normalizes a vector to length one, which OpenAI's vectors have. Gemini's have it only at their full dimension
/// (ai.google.dev/gemini-api/docs/embeddings, November 2026).
fn of_length_one(mut values: Vec<f32>) -> Vec<f32> {
    let length = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    // A vector within this tolerance already has length one; dividing would only change the last digits.
    if length > 0.0 && (length - 1.0).abs() > 1e-5 {
        values.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
    values
}

/// Encodes a vector as little-endian single-precision floats in base64.
fn encoded(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_length_one() {
        assert_eq!(of_length_one(vec![3.0, 4.0]), [0.6, 0.8]);
        assert_eq!(of_length_one(vec![0.0, 2.0]), [0.0, 1.0]);
        assert_eq!(of_length_one(vec![0.0, 0.0]), [0.0, 0.0]);
        let nearly = vec![0.6, 0.800_000_1];
        assert_eq!(of_length_one(nearly.clone()), nearly);
    }

    #[test]
    fn base64_is_little_endian() {
        assert_eq!(encoded(&[0.6, 0.8]), "mpkZP83MTD8=");
    }
}
