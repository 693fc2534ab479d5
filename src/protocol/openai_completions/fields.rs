//! Every field of OpenAI's older completions request and what becomes of it (OpenAI's API reference, November 2026).

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, renamed};
use crate::protocol::verdict::Note;

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    adapted("stream_options.include_usage", "", "usage is added to the client's stream"),
    ignored("stream_options.include_obfuscation", "streams are never padded"),
    renamed("prompt", "contents[].parts[].text", "a system instruction says to continue it"),
    adapted("suffix", "systemInstruction", "as a system instruction"),
    adapted("echo", "", "the prompt is put in front of the answer"),
    renamed("max_tokens", "generationConfig.maxOutputTokens", "the budget includes reasoning tokens"),
    kept("temperature", "generationConfig.temperature"),
    renamed("top_p", "generationConfig.topP", ""),
    Field { neutral: &["1"], ..renamed("n", "generationConfig.candidateCount", "") },
    renamed("stop", "generationConfig.stopSequences", ""),
    kept("seed", "generationConfig.seed"),
    renamed("frequency_penalty", "generationConfig.frequencyPenalty", ""),
    renamed("presence_penalty", "generationConfig.presencePenalty", ""),
    lost("logprobs", "only chat completions return token probabilities", &["0"]),
    lost("best_of", "Gemini cannot select the best of several answers", &["1"]),
    lost("logit_bias", "Gemini cannot bias individual tokens", &["{}"]),
    ignored("user", "it concerns OpenAI's storage and billing"),
];

/// Returns the verdict on each field of this body: from the translator's notes, or else from the table.
pub fn verdicts(body: &[u8], noted: Vec<Note>) -> Vec<Note> {
    // The body was parsed earlier, so it is valid JSON.
    fields::verdicts(FIELDS, &serde_json::from_slice(body).unwrap_or_default(), noted)
}
