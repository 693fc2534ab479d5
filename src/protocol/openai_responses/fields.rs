//! Every field of OpenAI's Responses request and what becomes of it (OpenAI's API reference and SDK, November 2026).

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, refused, renamed};
use crate::protocol::verdict::Note;

const CACHE: &str = "Gemini caches automatically";
const OWN: &str = "it concerns OpenAI's storage and billing";
const ANSWER: &str = "it belongs to an answer, not to a request";
const INLINE: &str = "contents[].parts[].inlineData or fileData";
const RESULT: &str = "contents[].parts[].functionResponse.response";
const NOT_HERE: &str = "it belongs to a tool without a counterpart in Gemini";

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    ignored("stream_options", "streams are never padded"),
    renamed("instructions", "systemInstruction", ""),
    adapted("previous_response_id", "contents[]", "the earlier conversation is stored here for one day"),
    adapted("store", "", "the answer is stored here for one day, for the client that requested it"),
    renamed("max_output_tokens", "generationConfig.maxOutputTokens", "the budget includes reasoning tokens"),
    kept("temperature", "generationConfig.temperature"),
    renamed("top_p", "generationConfig.topP", ""),
    renamed("service_tier", "serviceTier", "`auto` and `default` are not sent"),
    // The conversation.
    renamed("input", "contents[]", ""),
    renamed("input[].type", "", "determines the kind of turn or part"),
    renamed(
        "input[].role",
        "contents[].role",
        "`assistant` becomes `model`; system and developer messages go to `systemInstruction`",
    ),
    renamed("input[].content", "contents[].parts[].text", ""),
    renamed("input[].content[].type", "", "determines the kind of part"),
    kept("input[].content[].text", "contents[].parts[].text"),
    renamed("input[].content[].refusal", "contents[].parts[].text", ""),
    renamed("input[].content[].image_url", INLINE, ""),
    renamed("input[].content[].detail", "contents[].parts[].mediaResolution", ""),
    renamed("input[].content[].file_id", "contents[].parts[].fileData.fileUri", ""),
    renamed("input[].content[].file_data", INLINE, ""),
    renamed("input[].content[].file_url", INLINE, ""),
    renamed("input[].content[].filename", "contents[].parts[].inlineData.mimeType", "derived from the file extension"),
    ignored("input[].content[].annotations", ANSWER),
    ignored("input[].content[].logprobs", ANSWER),
    ignored("input[].content[].prompt_cache_breakpoint", CACHE),
    adapted("input[].id", "contents[]", "for a reference: the item is stored here for one day"),
    ignored("input[].status", ANSWER),
    ignored("input[].phase", ANSWER),
    renamed("input[].call_id", "contents[].parts[].functionCall.id and functionResponse.id", ""),
    kept("input[].name", "contents[].parts[].functionCall.name"),
    renamed("input[].arguments", "contents[].parts[].functionCall.args", ""),
    renamed("input[].input", "contents[].parts[].functionCall.args.input", ""),
    renamed("input[].output", RESULT, ""),
    renamed(
        "input[].encrypted_content",
        "contents[].parts[].thoughtSignature",
        "attached to the call after the reasoning, or to the text before it; other vendors' signatures are dropped",
    ),
    ignored("input[].summary", "Gemini does not need the text of earlier reasoning"),
    ignored("input[].caller", "only the model makes calls"),
    renamed("input[].namespace", "contents[].parts[].functionCall.name", "it becomes a prefix of the name"),
    ignored("input[].action", NOT_HERE),
    ignored("input[].queries", NOT_HERE),
    ignored("input[].results", NOT_HERE),
    ignored("input[].result", NOT_HERE),
    // Tools.
    renamed("tools[].type", "", "determines the kind of tool"),
    kept("tools[].name", "tools[].functionDeclarations[].name"),
    kept("tools[].description", "tools[].functionDeclarations[].description"),
    renamed("tools[].parameters", "tools[].functionDeclarations[].parametersJsonSchema", ""),
    Field {
        neutral: &["false"],
        ..renamed("tools[].strict", "toolConfig.functionCallingConfig.mode", "`VALIDATED`, for all functions")
    },
    Field {
        loss: true,
        neutral: &[r#"{"type":"text"}"#],
        ..adapted(
            "tools[].format",
            "tools[].functionDeclarations[].description",
            "appended as text: Gemini cannot enforce grammars",
        )
    },
    renamed(
        "tools[].tools",
        "tools[].functionDeclarations[]",
        "the tools of a namespace, whose name becomes a prefix of theirs",
    ),
    ignored("tools[].defer_loading", "all tools are declared at once"),
    ignored("tools[].output_schema", "tool results are not validated"),
    ignored("tools[].allowed_callers", "only the model makes calls"),
    lost("tools[].search_context_size", "Google Search decides how much to read", &["\"medium\""]),
    lost("tools[].user_location", "Google Search accepts no location", &[]),
    lost("tools[].filters", "Google Search accepts no domain filters", &[]),
    ignored("tools[].external_web_access", "Google Search is always live"),
    ignored("tools[].search_content_types", "Google Search decides what to read"),
    ignored("tools[].container", "Google chooses where code runs"),
    renamed("tool_choice", "toolConfig.functionCallingConfig", ""),
    Field { neutral: &["true"], ..adapted("parallel_tool_calls", "", "only the first of several calls is returned") },
    lost("max_tool_calls", "Google's tools set their own limits", &[]),
    // Generation settings.
    renamed("reasoning.effort", "generationConfig.thinkingConfig", ""),
    renamed("reasoning.summary", "generationConfig.thinkingConfig.includeThoughts", ""),
    renamed("reasoning.generate_summary", "generationConfig.thinkingConfig.includeThoughts", ""),
    ignored("reasoning.context", "Gemini does not need the text of earlier reasoning"),
    ignored("reasoning.mode", "the effort determines it"),
    renamed("text.format.type", "generationConfig.responseMimeType", ""),
    renamed("text.format.schema", "generationConfig.responseJsonSchema", ""),
    ignored("text.format.name", "Gemini's schemas are unnamed"),
    ignored("text.format.strict", "Gemini always enforces the schema"),
    lost("text.format.description", "Gemini has no separate schema description: put it into the schema", &["\"\""]),
    lost("text.verbosity", "Gemini has no such setting: put it into the instructions", &["\"medium\""]),
    renamed("top_logprobs", "generationConfig.logprobs", "requires `message.output_text.logprobs` in `include`"),
    adapted(
        "include",
        "",
        "`reasoning.encrypted_content` returns signatures, `web_search_call.action.sources` pages, \
         `message.output_text.logprobs` token probabilities; other values have no effect",
    ),
    lost("truncation", "input is never truncated", &["\"disabled\""]),
    ignored("context_management", "the whole conversation is sent"),
    // Specific to OpenAI.
    refused("background", "there are no background responses: use a plain or streamed request"),
    refused("conversation", "it is stored at OpenAI"),
    refused("prompt", "it is stored at OpenAI"),
    ignored("background_options", "there are no background responses: use a plain or streamed request"),
    ignored("access_programs", OWN),
    ignored("image", OWN),
    ignored("metadata", OWN),
    ignored("user", OWN),
    ignored("safety_identifier", OWN),
    ignored("prompt_cache_key", CACHE),
    ignored("prompt_cache_retention", CACHE),
    ignored("prompt_cache_options", CACHE),
    ignored("client_metadata", OWN),
    lost("moderation", "Gemini has its own filters", &[]),
];

/// Returns the verdict on each field of this body: from the translator's notes, or else from the table.
pub fn verdicts(body: &[u8], noted: Vec<Note>) -> Vec<Note> {
    // The body was parsed earlier, so it is valid JSON.
    fields::verdicts(FIELDS, &serde_json::from_slice(body).unwrap_or_default(), noted)
}
