//! Every field of OpenAI's chat request and what becomes of it (OpenAI's API reference and SDK 3.57, November 2026).
//! The translator's notes about a particular request take precedence over the table.

use serde_json::Value;

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, refused, renamed};
use crate::protocol::verdict::Note;

const CACHE: &str = "Gemini caches by itself";
const OWN_STORE: &str = "it is about what OpenAI stores and bills";
const IN_CONFIG: &str = "generationConfig";
const DECLARATION: &str = "tools[].functionDeclarations[]";

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    adapted("stream_options.include_usage", "", "the stream to the client bears it"),
    ignored("stream_options.include_obfuscation", "streams are never padded"),
    // The conversation.
    renamed(
        "messages[].role",
        "contents[].role",
        "`assistant` is `model`; system and developer go to `systemInstruction`, results to the user's turn",
    ),
    renamed("messages[].content", "contents[].parts[].text", ""),
    renamed("messages[].content[].type", "", "the kind of part"),
    kept("messages[].content[].text", "contents[].parts[].text"),
    renamed("messages[].content[].image_url", "contents[].parts[].inlineData or fileData", ""),
    renamed("messages[].content[].image_url.url", "contents[].parts[].inlineData or fileData", ""),
    renamed("messages[].content[].image_url.detail", "contents[].parts[].mediaResolution", ""),
    renamed("messages[].content[].video_url", "contents[].parts[].inlineData or fileData", ""),
    renamed("messages[].content[].input_audio.data", "contents[].parts[].inlineData.data", ""),
    renamed("messages[].content[].input_audio.format", "contents[].parts[].inlineData.mimeType", ""),
    renamed("messages[].content[].file.file_data", "contents[].parts[].inlineData", ""),
    renamed("messages[].content[].file.file_id", "contents[].parts[].fileData.fileUri", ""),
    renamed("messages[].content[].file.filename", "contents[].parts[].inlineData.mimeType", "by its ending"),
    renamed("messages[].content[].refusal", "contents[].parts[].text", ""),
    ignored("messages[].content[].prompt_cache_breakpoint", CACHE),
    ignored("messages[].content[].cache_control", CACHE),
    ignored("messages[].content[].thinking", "Google does not want the words of thoughts back"),
    ignored("messages[].content[].signature", "it is another vendor's"),
    lost("messages[].name", "Gemini knows no names of participants", &["\"\""]),
    renamed("messages[].refusal", "contents[].parts[].text", ""),
    refused("messages[].audio.id", "Gemini keeps no spoken answers: send what was said as text"),
    renamed(
        "messages[].tool_call_id",
        "contents[].parts[].functionResponse.id",
        "and the function's name, which Gemini wants besides",
    ),
    kept("messages[].tool_calls[].id", "contents[].parts[].functionCall.id"),
    renamed("messages[].tool_calls[].type", "", "the kind of part"),
    ignored("messages[].tool_calls[].index", "the order says it"),
    kept("messages[].tool_calls[].function.name", "contents[].parts[].functionCall.name"),
    renamed("messages[].tool_calls[].function.arguments", "contents[].parts[].functionCall.args", ""),
    renamed("messages[].tool_calls[].custom.name", "contents[].parts[].functionCall.name", ""),
    renamed("messages[].tool_calls[].custom.input", "contents[].parts[].functionCall.args.input", ""),
    renamed("messages[].tool_calls[].extra_content", "contents[].parts[].thoughtSignature", ""),
    renamed("messages[].function_call.name", "contents[].parts[].functionCall.name", ""),
    renamed("messages[].function_call.arguments", "contents[].parts[].functionCall.args", ""),
    renamed("messages[].extra_content", "contents[].parts[].thoughtSignature", ""),
    ignored("messages[].reasoning_content", "Google does not want the words of thoughts back"),
    ignored("messages[].reasoning", "Google does not want the words of thoughts back"),
    ignored("messages[].annotations", "they are part of an answer, not of a request"),
    lost("messages[].images", "pictures of an answer do not go back: send them in a user's message", &["[]"]),
    // Tools.
    renamed("tools[].type", "", "the kind of tool"),
    kept("tools[].function.name", "tools[].functionDeclarations[].name"),
    kept("tools[].function.description", "tools[].functionDeclarations[].description"),
    renamed("tools[].function.parameters", "tools[].functionDeclarations[].parametersJsonSchema", ""),
    Field {
        neutral: &["false"],
        ..renamed("tools[].function.strict", "toolConfig.functionCallingConfig.mode", "`VALIDATED`, for all functions")
    },
    kept("tools[].custom.name", "tools[].functionDeclarations[].name"),
    kept("tools[].custom.description", "tools[].functionDeclarations[].description"),
    renamed("tools[].custom.format.type", DECLARATION, "a function with one text, `input`"),
    Field {
        loss: true,
        ..adapted(
            "tools[].custom.format.grammar",
            "tools[].functionDeclarations[].description",
            "told in words: Gemini's decoder knows no grammars",
        )
    },
    renamed("tools[].google_search", "tools[].googleSearch", ""),
    renamed("tools[].googleSearch", "tools[].googleSearch", ""),
    renamed("tools[].code_execution", "tools[].codeExecution", ""),
    renamed("tools[].codeExecution", "tools[].codeExecution", ""),
    renamed("tools[].url_context", "tools[].urlContext", ""),
    renamed("tools[].urlContext", "tools[].urlContext", ""),
    renamed("tool_choice", "toolConfig.functionCallingConfig", ""),
    renamed("functions[].name", "tools[].functionDeclarations[].name", "the answer bears `function_call`"),
    renamed("functions[].description", "tools[].functionDeclarations[].description", ""),
    renamed("functions[].parameters", "tools[].functionDeclarations[].parametersJsonSchema", ""),
    renamed("function_call", "toolConfig.functionCallingConfig", ""),
    Field { neutral: &["true"], ..adapted("parallel_tool_calls", "", "only the first of several calls is passed on") },
    renamed("web_search_options", "tools[].googleSearch", ""),
    lost(
        "web_search_options.search_context_size",
        "Google's search decides by itself how much to read",
        &["\"medium\""],
    ),
    lost("web_search_options.user_location", "Google's search takes no place", &[]),
    // Generation settings.
    renamed("max_completion_tokens", "generationConfig.maxOutputTokens", "thoughts are spent from it too"),
    renamed("max_tokens", "generationConfig.maxOutputTokens", "thoughts are spent from it too"),
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
    lost("logit_bias", "Gemini cannot weigh single tokens", &["{}"]),
    renamed("response_format.type", "generationConfig.responseMimeType", ""),
    renamed("response_format.json_schema.schema", "generationConfig.responseJsonSchema", ""),
    ignored("response_format.json_schema.name", "Gemini's schemas have no name"),
    lost(
        "response_format.json_schema.description",
        "Gemini's schemas have no description of their own: put it into the schema",
        &["\"\""],
    ),
    ignored("response_format.json_schema.strict", "Gemini keeps to every schema"),
    renamed("reasoning_effort", "generationConfig.thinkingConfig", ""),
    lost("verbosity", "Gemini has no such dial: say it in the system message", &["\"medium\""]),
    renamed("modalities", "generationConfig.responseModalities", ""),
    lost("audio", "chat answers are not spoken", &[]),
    lost("prediction", "Gemini takes no predicted answer", &[]),
    renamed("service_tier", "serviceTier", "`auto` and `default` are left to Google"),
    // Specific to OpenAI.
    ignored("store", OWN_STORE),
    ignored("metadata", OWN_STORE),
    ignored("user", OWN_STORE),
    ignored("safety_identifier", OWN_STORE),
    ignored("prompt_cache_key", CACHE),
    ignored("prompt_cache_options", CACHE),
    ignored("prompt_cache_retention", CACHE),
    lost("moderation", "Gemini has filters of its own: `extra_body.google.safety_settings`", &[]),
    // Google's extensions, by the convention of its OpenAI endpoint.
    renamed("extra_body.google.cached_content", "cachedContent", ""),
    renamed("extra_body.google.thinking_config", "generationConfig.thinkingConfig", ""),
    renamed("extra_body.google.safety_settings", "safetySettings", ""),
    renamed("extra_body.google.generation_config", IN_CONFIG, "over what the other fields say"),
    renamed("google.cached_content", "cachedContent", ""),
    renamed("google.thinking_config", "generationConfig.thinkingConfig", ""),
    renamed("google.safety_settings", "safetySettings", ""),
    renamed("google.generation_config", IN_CONFIG, "over what the other fields say"),
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
