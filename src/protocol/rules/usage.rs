//! Converts Gemini's token counts to OpenAI's way of counting: completion tokens include thoughts, and prompt tokens
//! include what built-in tools added. Google's own OpenAI endpoint leaves thoughts out, so its three numbers do not add
//! up.

use serde_json::value::RawValue;

use crate::protocol::Usage;
use crate::wire::gemini::response;

/// Returns the usage of an answer. In a stream, the last event with usage counts: the counts are not monotone, so
/// neither their sum nor their maximum is correct.
pub fn usage(metadata: &response::Usage<'_>) -> Usage {
    let audio = |details: Option<&RawValue>| {
        // This runs for every event of a stream, and audio is rare.
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
