//! Every field of Anthropic's Messages request and what becomes of it (Anthropic's API reference and SDK, November
//! 2026).

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, renamed};
use crate::protocol::verdict::Note;

const CACHE: &str = "Gemini caches by itself";
const OWN: &str = "it is about what Anthropic bills and runs";
const INLINE: &str = "contents[].parts[].inlineData or fileData";
const RESULT: &str = "contents[].parts[].functionResponse.response";

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    renamed("max_tokens", "generationConfig.maxOutputTokens", "thoughts are spent from it too"),
    kept("temperature", "generationConfig.temperature"),
    renamed("top_p", "generationConfig.topP", ""),
    renamed("top_k", "generationConfig.topK", ""),
    renamed("stop_sequences", "generationConfig.stopSequences", ""),
    // The conversation.
    renamed("system", "systemInstruction", ""),
    renamed("system[].type", "", "the kind of part"),
    kept("system[].text", "systemInstruction.parts[].text"),
    ignored("system[].cache_control", CACHE),
    ignored("system[].citations", "they are part of an answer, not of a request"),
    renamed("messages[].role", "contents[].role", "`assistant` is `model`"),
    renamed("messages[].content", "contents[].parts[].text", ""),
    renamed("messages[].content[].type", "", "the kind of part"),
    kept("messages[].content[].text", "contents[].parts[].text"),
    ignored("messages[].content[].citations", "they are part of an answer, not of a request"),
    ignored("messages[].content[].cache_control", CACHE),
    renamed("messages[].content[].source", INLINE, ""),
    renamed("messages[].content[].title", "contents[].parts[].text", ""),
    renamed("messages[].content[].context", "contents[].parts[].text", ""),
    kept("messages[].content[].id", "contents[].parts[].functionCall.id"),
    kept("messages[].content[].name", "contents[].parts[].functionCall.name"),
    renamed("messages[].content[].input", "contents[].parts[].functionCall.args", ""),
    ignored("messages[].content[].caller", "only the model calls here"),
    renamed(
        "messages[].content[].tool_use_id",
        "contents[].parts[].functionResponse.id",
        "and the function's name, which Gemini wants besides",
    ),
    renamed("messages[].content[].content", RESULT, ""),
    renamed("messages[].content[].content[].type", RESULT, "the kind of part"),
    renamed("messages[].content[].content[].text", RESULT, ""),
    renamed("messages[].content[].content[].source", INLINE, ""),
    renamed("messages[].content[].content[].title", RESULT, ""),
    renamed("messages[].content[].content[].context", RESULT, ""),
    renamed("messages[].content[].content[].content", RESULT, ""),
    ignored("messages[].content[].content[].citations", "they are part of an answer, not of a request"),
    ignored("messages[].content[].content[].cache_control", CACHE),
    renamed("messages[].content[].is_error", RESULT, "an error stands under `error`"),
    ignored("messages[].content[].thinking", "Google does not want the words of thoughts back"),
    renamed(
        "messages[].content[].signature",
        "contents[].parts[].thoughtSignature",
        "of the call behind the thought; another vendor's is left out",
    ),
    renamed("messages[].content[].data", "contents[].parts[].thoughtSignature", "likewise"),
    // Tools.
    renamed("tools[].type", "", "the kind of tool"),
    kept("tools[].name", "tools[].functionDeclarations[].name"),
    kept("tools[].description", "tools[].functionDeclarations[].description"),
    renamed("tools[].input_schema", "tools[].functionDeclarations[].parametersJsonSchema", ""),
    Field {
        neutral: &["false"],
        ..renamed("tools[].strict", "toolConfig.functionCallingConfig.mode", "`VALIDATED`, for all functions")
    },
    ignored("tools[].cache_control", CACHE),
    ignored("tools[].eager_input_streaming", "Gemini gives each call in one piece"),
    ignored("tools[].defer_loading", "all tools are declared at once"),
    ignored("tools[].allowed_callers", "only the model calls here"),
    ignored("tools[].input_examples", "Gemini's declarations have no examples"),
    lost("tools[].max_uses", "Google's tools count by themselves", &[]),
    lost("tools[].allowed_domains", "Google's search takes no list of pages", &["[]"]),
    lost("tools[].blocked_domains", "Google's search takes no list of pages", &["[]"]),
    ignored("tools[].citations", "answers cite what Google tells of its sources"),
    lost("tools[].max_content_tokens", "Google's tools decide by themselves how much to read", &[]),
    ignored("tools[].use_cache", "Google's tools decide by themselves what to fetch anew"),
    lost("tools[].user_location", "Google's search takes no place", &[]),
    renamed("tool_choice.type", "toolConfig.functionCallingConfig.mode", ""),
    renamed("tool_choice.name", "toolConfig.functionCallingConfig.allowedFunctionNames", ""),
    Field {
        neutral: &["false"],
        ..adapted("tool_choice.disable_parallel_tool_use", "", "only the first of several calls is passed on")
    },
    // Generation settings.
    renamed("thinking.type", "generationConfig.thinkingConfig", ""),
    renamed(
        "thinking.budget_tokens",
        "generationConfig.thinkingConfig",
        "by budget or by level, as the model takes it",
    ),
    renamed("thinking.display", "generationConfig.thinkingConfig.includeThoughts", ""),
    renamed("output_config.effort", "generationConfig.thinkingConfig", ""),
    renamed("output_config.format.type", "generationConfig.responseMimeType", ""),
    renamed("output_config.format.schema", "generationConfig.responseJsonSchema", ""),
    renamed("output_format.type", "generationConfig.responseMimeType", ""),
    renamed("output_format.schema", "generationConfig.responseJsonSchema", ""),
    ignored("output_config.task_budget", OWN),
    adapted("thread.type", "", "the conversation is kept here, for a day, for the client that made it"),
    adapted("thread.previous_message_id", "contents[]", "what was said before is remembered here, for a day"),
    // Specific to Anthropic.
    ignored("metadata", OWN),
    ignored("service_tier", OWN),
    ignored("cache_control", CACHE),
    ignored("inference_geo", OWN),
    ignored("speed", OWN),
    ignored("diagnostics", OWN),
    ignored("betas", OWN),
    ignored("user_profile_id", OWN),
    ignored("workspace_id", OWN),
    lost("container", "there are no containers here", &[]),
    lost("context_management", "the conversation goes on whole", &["{}", r#"{"edits":[]}"#]),
    lost("mcp_servers", "servers of tools are not called from here", &["[]"]),
];

/// Returns the verdict on each field of this body: from the translator's notes, or else from the table.
pub fn verdicts(body: &[u8], noted: Vec<Note>) -> Vec<Note> {
    // The body was parsed earlier, so it is valid JSON.
    fields::verdicts(FIELDS, &serde_json::from_slice(body).unwrap_or_default(), noted)
}
