//! Every field of Anthropic's Messages request and what becomes of it (Anthropic's API reference and SDK, November
//! 2026).

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, renamed};
use crate::protocol::verdict::Note;

const CACHE: &str = "Gemini caches automatically";
const OWN: &str = "it concerns Anthropic's billing and infrastructure";
const INLINE: &str = "contents[].parts[].inlineData or fileData";
const RESULT: &str = "contents[].parts[].functionResponse.response";

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    renamed("max_tokens", "generationConfig.maxOutputTokens", "the budget includes reasoning tokens"),
    kept("temperature", "generationConfig.temperature"),
    renamed("top_p", "generationConfig.topP", ""),
    renamed("top_k", "generationConfig.topK", ""),
    renamed("stop_sequences", "generationConfig.stopSequences", ""),
    // The conversation.
    renamed("system", "systemInstruction", ""),
    renamed("system[].type", "", "determines the kind of part"),
    kept("system[].text", "systemInstruction.parts[].text"),
    ignored("system[].cache_control", CACHE),
    ignored("system[].citations", "they belong to an answer, not to a request"),
    renamed("messages[].role", "contents[].role", "`assistant` becomes `model`"),
    renamed("messages[].content", "contents[].parts[].text", ""),
    renamed("messages[].content[].type", "", "determines the kind of part"),
    kept("messages[].content[].text", "contents[].parts[].text"),
    ignored("messages[].content[].citations", "they belong to an answer, not to a request"),
    ignored("messages[].content[].cache_control", CACHE),
    renamed("messages[].content[].source", INLINE, ""),
    renamed("messages[].content[].title", "contents[].parts[].text", ""),
    renamed("messages[].content[].context", "contents[].parts[].text", ""),
    kept("messages[].content[].id", "contents[].parts[].functionCall.id"),
    kept("messages[].content[].name", "contents[].parts[].functionCall.name"),
    renamed("messages[].content[].input", "contents[].parts[].functionCall.args", ""),
    ignored("messages[].content[].caller", "only the model makes calls"),
    renamed(
        "messages[].content[].tool_use_id",
        "contents[].parts[].functionResponse.id",
        "together with the function's name, which Gemini requires",
    ),
    renamed("messages[].content[].content", RESULT, ""),
    renamed("messages[].content[].content[].type", RESULT, "determines the kind of part"),
    renamed("messages[].content[].content[].text", RESULT, ""),
    renamed("messages[].content[].content[].source", INLINE, ""),
    renamed("messages[].content[].content[].title", RESULT, ""),
    renamed("messages[].content[].content[].context", RESULT, ""),
    renamed("messages[].content[].content[].content", RESULT, ""),
    ignored("messages[].content[].content[].citations", "they belong to an answer, not to a request"),
    ignored("messages[].content[].content[].cache_control", CACHE),
    renamed("messages[].content[].is_error", RESULT, "an error result is put under `error`"),
    ignored("messages[].content[].thinking", "Gemini does not need the text of earlier reasoning"),
    renamed(
        "messages[].content[].signature",
        "contents[].parts[].thoughtSignature",
        "attached to the call after the reasoning; other vendors' signatures are dropped",
    ),
    renamed("messages[].content[].data", "contents[].parts[].thoughtSignature", "likewise"),
    // Tools.
    renamed("tools[].type", "", "determines the kind of tool"),
    kept("tools[].name", "tools[].functionDeclarations[].name"),
    kept("tools[].description", "tools[].functionDeclarations[].description"),
    renamed("tools[].input_schema", "tools[].functionDeclarations[].parametersJsonSchema", ""),
    Field {
        neutral: &["false"],
        ..renamed("tools[].strict", "toolConfig.functionCallingConfig.mode", "`VALIDATED`, for all functions")
    },
    ignored("tools[].cache_control", CACHE),
    ignored("tools[].eager_input_streaming", "Gemini sends each call in one piece"),
    ignored("tools[].defer_loading", "all tools are declared at once"),
    ignored("tools[].allowed_callers", "only the model makes calls"),
    ignored("tools[].input_examples", "Gemini's declarations have no examples"),
    lost("tools[].max_uses", "Google's tools set their own limits", &[]),
    lost("tools[].allowed_domains", "Google Search accepts no domain filters", &["[]"]),
    lost("tools[].blocked_domains", "Google Search accepts no domain filters", &["[]"]),
    ignored("tools[].citations", "answers cite the sources that Google reports"),
    lost("tools[].max_content_tokens", "Google's tools decide how much to read", &[]),
    ignored("tools[].use_cache", "Google's tools decide what to fetch again"),
    lost("tools[].user_location", "Google Search accepts no location", &[]),
    renamed("tool_choice.type", "toolConfig.functionCallingConfig.mode", ""),
    renamed("tool_choice.name", "toolConfig.functionCallingConfig.allowedFunctionNames", ""),
    Field {
        neutral: &["false"],
        ..adapted("tool_choice.disable_parallel_tool_use", "", "only the first of several calls is returned")
    },
    // Generation settings.
    renamed("thinking.type", "generationConfig.thinkingConfig", ""),
    renamed(
        "thinking.budget_tokens",
        "generationConfig.thinkingConfig",
        "as a budget or a level, whichever the model accepts",
    ),
    renamed("thinking.display", "generationConfig.thinkingConfig.includeThoughts", ""),
    renamed("output_config.effort", "generationConfig.thinkingConfig", ""),
    renamed("output_config.format.type", "generationConfig.responseMimeType", ""),
    renamed("output_config.format.schema", "generationConfig.responseJsonSchema", ""),
    renamed("output_format.type", "generationConfig.responseMimeType", ""),
    renamed("output_format.schema", "generationConfig.responseJsonSchema", ""),
    ignored("output_config.task_budget", OWN),
    adapted("thread.type", "", "the conversation is stored here for one day, for the client that started it"),
    adapted("thread.previous_message_id", "contents[]", "the earlier conversation is stored here for one day"),
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
    lost("container", "containers are not supported", &[]),
    lost("context_management", "the whole conversation is sent", &["{}", r#"{"edits":[]}"#]),
    lost("mcp_servers", "MCP servers are not called", &["[]"]),
];

/// Returns the verdict on each field of this body: from the translator's notes, or else from the table.
pub fn verdicts(body: &[u8], noted: Vec<Note>) -> Vec<Note> {
    // The body was parsed earlier, so it is valid JSON.
    fields::verdicts(FIELDS, &serde_json::from_slice(body).unwrap_or_default(), noted)
}
