//! Every field of OpenAI's older completions request and what becomes of it (OpenAI's API reference, November 2026).

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, renamed};
use crate::protocol::verdict::Note;

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    adapted("stream_options.include_usage", "", "the stream to the client bears it"),
    ignored("stream_options.include_obfuscation", "streams are never padded"),
    renamed("prompt", "contents[].parts[].text", "the system says that it is to be gone on with"),
    adapted("suffix", "systemInstruction", "told in words"),
    adapted("echo", "", "the answer bears the prompt in front"),
    renamed("max_tokens", "generationConfig.maxOutputTokens", "thoughts are spent from it too"),
    kept("temperature", "generationConfig.temperature"),
    renamed("top_p", "generationConfig.topP", ""),
    Field { neutral: &["1"], ..renamed("n", "generationConfig.candidateCount", "") },
    renamed("stop", "generationConfig.stopSequences", ""),
    kept("seed", "generationConfig.seed"),
    renamed("frequency_penalty", "generationConfig.frequencyPenalty", ""),
    renamed("presence_penalty", "generationConfig.presencePenalty", ""),
    lost("logprobs", "token probabilities are told by chat completions alone", &["0"]),
    lost("best_of", "Gemini does not choose among answers", &["1"]),
    lost("logit_bias", "Gemini cannot weigh single tokens", &["{}"]),
    ignored("user", "it is about what OpenAI stores and bills"),
];

/// Returns the verdict on each field of this body: from the translator's notes, or else from the table.
pub fn verdicts(body: &[u8], noted: Vec<Note>) -> Vec<Note> {
    // The body was parsed earlier, so it is valid JSON.
    fields::verdicts(FIELDS, &serde_json::from_slice(body).unwrap_or_default(), noted)
}
