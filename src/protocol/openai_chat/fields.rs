//! Every field of OpenAI's chat request and what becomes of it (OpenAI's API reference and SDK 3.57, November 2026).
//! The translator's notes about a particular request take precedence over the table.

use serde_json::Value;

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, refused, renamed};
use crate::protocol::verdict::Note;

const CACHE: &str = "Gemini caches automatically";
const OWN_STORE: &str = "it concerns OpenAI's storage and billing";
const IN_CONFIG: &str = "generationConfig";
const DECLARATION: &str = "tools[].functionDeclarations[]";

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    adapted("stream_options.include_usage", "", "usage is added to the client's stream"),
    ignored("stream_options.include_obfuscation", "streams are never padded"),
    // The conversation.
    renamed(
        "messages[].role",
        "contents[].role",
        "`assistant` becomes `model`; system and developer messages go to `systemInstruction`, \
         tool results to the user's turn",
    ),
    renamed("messages[].content", "contents[].parts[].text", ""),
    renamed("messages[].content[].type", "", "determines the kind of part"),
    kept("messages[].content[].text", "contents[].parts[].text"),
    renamed("messages[].content[].image_url", "contents[].parts[].inlineData or fileData", ""),
    renamed("messages[].content[].image_url.url", "contents[].parts[].inlineData or fileData", ""),
    renamed("messages[].content[].image_url.detail", "contents[].parts[].mediaResolution", ""),
    renamed("messages[].content[].video_url", "contents[].parts[].inlineData or fileData", ""),
    renamed("messages[].content[].input_audio.data", "contents[].parts[].inlineData.data", ""),
    renamed("messages[].content[].input_audio.format", "contents[].parts[].inlineData.mimeType", ""),
    renamed("messages[].content[].file.file_data", "contents[].parts[].inlineData", ""),
    renamed("messages[].content[].file.file_id", "contents[].parts[].fileData.fileUri", ""),
    renamed(
        "messages[].content[].file.filename",
        "contents[].parts[].inlineData.mimeType",
        "derived from the file extension",
    ),
    renamed("messages[].content[].refusal", "contents[].parts[].text", ""),
    ignored("messages[].content[].prompt_cache_breakpoint", CACHE),
    ignored("messages[].content[].cache_control", CACHE),
    ignored("messages[].content[].thinking", "Gemini does not need the text of earlier reasoning"),
    ignored("messages[].content[].signature", "it is another vendor's signature"),
    lost("messages[].name", "Gemini has no participant names", &["\"\""]),
    renamed("messages[].refusal", "contents[].parts[].text", ""),
    refused("messages[].audio.id", "Gemini does not store spoken answers: send the transcript as text"),
    renamed(
        "messages[].tool_call_id",
        "contents[].parts[].functionResponse.id",
        "together with the function's name, which Gemini requires",
    ),
    kept("messages[].tool_calls[].id", "contents[].parts[].functionCall.id"),
    renamed("messages[].tool_calls[].type", "", "determines the kind of part"),
    ignored("messages[].tool_calls[].index", "the order determines it"),
    kept("messages[].tool_calls[].function.name", "contents[].parts[].functionCall.name"),
    renamed("messages[].tool_calls[].function.arguments", "contents[].parts[].functionCall.args", ""),
    renamed("messages[].tool_calls[].custom.name", "contents[].parts[].functionCall.name", ""),
    renamed("messages[].tool_calls[].custom.input", "contents[].parts[].functionCall.args.input", ""),
    renamed("messages[].tool_calls[].extra_content", "contents[].parts[].thoughtSignature", ""),
    renamed("messages[].function_call.name", "contents[].parts[].functionCall.name", ""),
    renamed("messages[].function_call.arguments", "contents[].parts[].functionCall.args", ""),
    renamed("messages[].extra_content", "contents[].parts[].thoughtSignature", ""),
    ignored("messages[].reasoning_content", "Gemini does not need the text of earlier reasoning"),
    ignored("messages[].reasoning", "Gemini does not need the text of earlier reasoning"),
    ignored("messages[].annotations", "they belong to an answer, not to a request"),
    lost("messages[].images", "images in an earlier answer are not sent: send them in a user message", &["[]"]),
    // Tools.
    renamed("tools[].type", "", "determines the kind of tool"),
    kept("tools[].function.name", "tools[].functionDeclarations[].name"),
    kept("tools[].function.description", "tools[].functionDeclarations[].description"),
    renamed("tools[].function.parameters", "tools[].functionDeclarations[].parametersJsonSchema", ""),
    Field {
        neutral: &["false"],
        ..renamed("tools[].function.strict", "toolConfig.functionCallingConfig.mode", "`VALIDATED`, for all functions")
    },
    kept("tools[].custom.name", "tools[].functionDeclarations[].name"),
    kept("tools[].custom.description", "tools[].functionDeclarations[].description"),
    renamed("tools[].custom.format.type", DECLARATION, "declared as a function with one string parameter, `input`"),
    Field {
        loss: true,
        ..adapted(
            "tools[].custom.format.grammar",
            "tools[].functionDeclarations[].description",
            "appended as text: Gemini cannot enforce grammars",
        )
    },
    renamed("tools[].google_search", "tools[].googleSearch", ""),
    renamed("tools[].googleSearch", "tools[].googleSearch", ""),
    renamed("tools[].code_execution", "tools[].codeExecution", ""),
    renamed("tools[].codeExecution", "tools[].codeExecution", ""),
    renamed("tools[].url_context", "tools[].urlContext", ""),
    renamed("tools[].urlContext", "tools[].urlContext", ""),
    renamed("tool_choice", "toolConfig.functionCallingConfig", ""),
    renamed("functions[].name", "tools[].functionDeclarations[].name", "the answer uses `function_call`"),
    renamed("functions[].description", "tools[].functionDeclarations[].description", ""),
    renamed("functions[].parameters", "tools[].functionDeclarations[].parametersJsonSchema", ""),
    renamed("function_call", "toolConfig.functionCallingConfig", ""),
    Field { neutral: &["true"], ..adapted("parallel_tool_calls", "", "only the first of several calls is returned") },
    renamed("web_search_options", "tools[].googleSearch", ""),
    lost("web_search_options.search_context_size", "Google Search decides how much to read", &["\"medium\""]),
    lost("web_search_options.user_location", "Google Search accepts no location", &[]),
    // Generation settings.
    renamed("max_completion_tokens", "generationConfig.maxOutputTokens", "the budget includes reasoning tokens"),
    renamed("max_tokens", "generationConfig.maxOutputTokens", "the budget includes reasoning tokens"),
    kept("temperature", "generationConfig.temperature"),
    renamed("top_p", "generationConfig.topP", ""),
    renamed("top_k", "generationConfig.topK", ""),
    Field { neutral: &["1"], ..renamed("n", "generationConfig.candidateCount", "") },
    renamed("stop", "generationConfig.stopSequences", ""),
    kept("seed", "generationConfig.seed"),
    renamed("frequency_penalty", "generationConfig.frequencyPenalty", ""),
    renamed("presence_penalty", "generationConfig.presencePenalty", ""),
    Field { neutral: &["false"], ..renamed("logprobs", "generationConfig.responseLogprobs", "") },
    renamed("top_logprobs", "generationConfig.logprobs", ""),
    lost("logit_bias", "Gemini cannot bias individual tokens", &["{}"]),
    renamed("response_format.type", "generationConfig.responseMimeType", ""),
    renamed("response_format.json_schema.schema", "generationConfig.responseJsonSchema", ""),
    ignored("response_format.json_schema.name", "Gemini's schemas are unnamed"),
    lost(
        "response_format.json_schema.description",
        "Gemini has no separate schema description: put it into the schema",
        &["\"\""],
    ),
    ignored("response_format.json_schema.strict", "Gemini always enforces the schema"),
    renamed("reasoning_effort", "generationConfig.thinkingConfig", ""),
    lost("verbosity", "Gemini has no such setting: put it into the system message", &["\"medium\""]),
    renamed("modalities", "generationConfig.responseModalities", ""),
    lost("audio", "chat answers contain no audio", &[]),
    lost("prediction", "Gemini accepts no predicted output", &[]),
    renamed("service_tier", "serviceTier", "`auto` and `default` are not sent"),
    // Specific to OpenAI.
    ignored("store", OWN_STORE),
    ignored("metadata", OWN_STORE),
    ignored("user", OWN_STORE),
    ignored("safety_identifier", OWN_STORE),
    ignored("prompt_cache_key", CACHE),
    ignored("prompt_cache_options", CACHE),
    ignored("prompt_cache_retention", CACHE),
    lost("moderation", "Gemini has its own filters: `extra_body.google.safety_settings`", &[]),
    // Google's extensions, by the convention of its OpenAI endpoint.
    renamed("extra_body.google.cached_content", "cachedContent", ""),
    renamed("extra_body.google.thinking_config", "generationConfig.thinkingConfig", ""),
    renamed("extra_body.google.safety_settings", "safetySettings", ""),
    renamed("extra_body.google.generation_config", IN_CONFIG, "overrides the other fields"),
    renamed("google.cached_content", "cachedContent", ""),
    renamed("google.thinking_config", "generationConfig.thinkingConfig", ""),
    renamed("google.safety_settings", "safetySettings", ""),
    renamed("google.generation_config", IN_CONFIG, "overrides the other fields"),
];

/// Returns the verdict on each field of this body.
pub fn verdicts(body: &Value, noted: Vec<Note>) -> Vec<Note> {
    fields::verdicts(FIELDS, body, noted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::verdict::{Notes, Verdict};

    #[test]
    fn each_field_is_told_at_its_place() {
        let body = json!({
            "model": "m", "user": "u", "seed": null, "logit_bias": {}, "colour": 1,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi", "mood": 1 }] }],
            "tool_choice": "auto", "logprobs": true,
        });
        let notes = Notes::on();
        notes.clamped("logprobs", "so it is");
        notes.dropped("tools[0].function.parameters/x", "so it is");
        let told = verdicts(&body, notes.into_list());
        let told: Vec<(&str, Verdict, bool)> =
            told.iter().map(|note| (note.field.as_str(), note.verdict, note.loss)).collect();
        assert_eq!(
            told,
            [
                ("model", Verdict::Kept, false),
                ("user", Verdict::Dropped, false),
                ("logit_bias", Verdict::Dropped, false),
                ("colour", Verdict::Dropped, true),
                ("messages[0].role", Verdict::Renamed, false),
                ("messages[0].content[0].type", Verdict::Renamed, false),
                ("messages[0].content[0].text", Verdict::Kept, false),
                ("messages[0].content[0].mood", Verdict::Dropped, true),
                ("tool_choice", Verdict::Renamed, false),
                ("logprobs", Verdict::Clamped, true),
                ("tools[0].function.parameters/x", Verdict::Dropped, true),
            ]
        );
    }
}
