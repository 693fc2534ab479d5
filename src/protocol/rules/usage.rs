//! Gemini's token counts as OpenAI counts them: completion includes thoughts, prompt includes what built-in tools brought in.
//! Google's own OpenAI endpoint leaves thoughts out, and its three numbers do not add up.

use serde_json::value::RawValue;

use crate::protocol::Usage;
use crate::wire::gemini::response;

/// The usage of an answer. In a stream, of its last event that has one: counts are not monotone, so neither sum nor maximum.
pub fn usage(metadata: &response::Usage<'_>) -> Usage {
    let audio = |details: Option<&RawValue>| {
        // This is asked with every event of a stream, and sound is rare.
        let heard = details.filter(|raw| raw.get().contains("AUDIO"));
        let details = response::Usage::by_kind(heard);
        details.iter().filter(|detail| detail.modality == "AUDIO").map(|detail| detail.token_count).sum()
    };
    Usage {
        prompt: metadata.prompt_token_count + metadata.tool_use_prompt_token_count,
        completion: metadata.candidates_token_count + metadata.thoughts_token_count,
        cached: metadata.cached_content_token_count,
        reasoning: metadata.thoughts_token_count,
        audio_in: audio(metadata.prompt_tokens_details),
        audio_out: audio(metadata.candidates_tokens_details),
    }
}
