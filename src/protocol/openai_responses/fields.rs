//! Every field of OpenAI's Responses request and what becomes of it (OpenAI's API reference and SDK, November 2026).

use crate::protocol::fields::{self, Field, adapted, ignored, kept, lost, refused, renamed};
use crate::protocol::verdict::Note;

const CACHE: &str = "Gemini caches by itself";
const OWN: &str = "it is about what OpenAI stores and bills";
const ANSWER: &str = "it is part of an answer, not of a request";
const INLINE: &str = "contents[].parts[].inlineData or fileData";
const RESULT: &str = "contents[].parts[].functionResponse.response";
const NOT_HERE: &str = "it belongs to a tool that Gemini has no counterpart of";

/// The verdict on every field.
pub const FIELDS: &[Field] = &[
    kept("model", "the URL, by the configuration's names"),
    kept("stream", "the method of the URL"),
    ignored("stream_options", "streams are never padded"),
    renamed("instructions", "systemInstruction", ""),
    adapted("previous_response_id", "contents[]", "what was said before is remembered here, for a day"),
    adapted("store", "", "the answer is kept here, for a day, for the client that made it"),
    renamed("max_output_tokens", "generationConfig.maxOutputTokens", "thoughts are spent from it too"),
    kept("temperature", "generationConfig.temperature"),
    renamed("top_p", "generationConfig.topP", ""),
    renamed("service_tier", "serviceTier", "`auto` and `default` are left to Google"),
    // The conversation.
    renamed("input", "contents[]", ""),
    renamed("input[].type", "", "the kind of turn or part"),
    renamed(
        "input[].role",
        "contents[].role",
        "`assistant` is `model`; system and developer go to `systemInstruction`",
    ),
    renamed("input[].content", "contents[].parts[].text", ""),
    renamed("input[].content[].type", "", "the kind of part"),
    kept("input[].content[].text", "contents[].parts[].text"),
    renamed("input[].content[].refusal", "contents[].parts[].text", ""),
    renamed("input[].content[].image_url", INLINE, ""),
    renamed("input[].content[].detail", "contents[].parts[].mediaResolution", ""),
    renamed("input[].content[].file_id", "contents[].parts[].fileData.fileUri", ""),
    renamed("input[].content[].file_data", INLINE, ""),
    renamed("input[].content[].file_url", INLINE, ""),
    renamed("input[].content[].filename", "contents[].parts[].inlineData.mimeType", "by its ending"),
    ignored("input[].content[].annotations", ANSWER),
    ignored("input[].content[].logprobs", ANSWER),
    ignored("input[].content[].prompt_cache_breakpoint", CACHE),
    adapted("input[].id", "contents[]", "of a reference: the item is remembered here, for a day"),
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
        "of the call behind the thought, or of the words before it; another vendor's is left out",
    ),
    ignored("input[].summary", "Google does not want the words of thoughts back"),
    ignored("input[].caller", "only the model calls here"),
    renamed("input[].namespace", "contents[].parts[].functionCall.name", "the name begins with it"),
    ignored("input[].action", NOT_HERE),
    ignored("input[].queries", NOT_HERE),
    ignored("input[].results", NOT_HERE),
    ignored("input[].result", NOT_HERE),
    // Tools.
    renamed("tools[].type", "", "the kind of tool"),
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
            "told in words: Gemini's decoder knows no grammars",
        )
    },
    renamed("tools[].tools", "tools[].functionDeclarations[]", "of a namespace, with which their names begin"),
    ignored("tools[].defer_loading", "all tools are declared at once"),
    ignored("tools[].output_schema", "what tools return is taken as it comes"),
    ignored("tools[].allowed_callers", "only the model calls here"),
    lost("tools[].search_context_size", "Google's search decides by itself how much to read", &["\"medium\""]),
    lost("tools[].user_location", "Google's search takes no place", &[]),
    lost("tools[].filters", "Google's search takes no list of pages", &[]),
    ignored("tools[].external_web_access", "Google's search is always live"),
    ignored("tools[].search_content_types", "Google's search decides by itself what to read"),
    ignored("tools[].container", "Google runs its code where it likes"),
    renamed("tool_choice", "toolConfig.functionCallingConfig", ""),
    Field { neutral: &["true"], ..adapted("parallel_tool_calls", "", "only the first of several calls is passed on") },
    lost("max_tool_calls", "Google's tools count by themselves", &[]),
    // Generation settings.
    renamed("reasoning.effort", "generationConfig.thinkingConfig", ""),
    renamed("reasoning.summary", "generationConfig.thinkingConfig.includeThoughts", ""),
    renamed("reasoning.generate_summary", "generationConfig.thinkingConfig.includeThoughts", ""),
    ignored("reasoning.context", "Google does not want the words of thoughts back"),
    ignored("reasoning.mode", "the effort says it"),
    renamed("text.format.type", "generationConfig.responseMimeType", ""),
    renamed("text.format.schema", "generationConfig.responseJsonSchema", ""),
    ignored("text.format.name", "Gemini's schemas have no name"),
    ignored("text.format.strict", "Gemini keeps to every schema"),
    lost(
        "text.format.description",
        "Gemini's schemas have no description of their own: put it into the schema",
        &["\"\""],
    ),
    lost("text.verbosity", "Gemini has no such dial: say it in the instructions", &["\"medium\""]),
    renamed("top_logprobs", "generationConfig.logprobs", "with `message.output_text.logprobs` in `include`"),
    adapted(
        "include",
        "",
        "`reasoning.encrypted_content` bears signatures, `web_search_call.action.sources` pages, `message.output_text.logprobs` token probabilities; the rest is always there, or never",
    ),
    lost("truncation", "nothing is cut off by itself", &["\"disabled\""]),
    ignored("context_management", "the conversation goes on whole"),
    // Specific to OpenAI.
    refused("background", "answers are waited for, or streamed"),
    refused("conversation", "it is kept at OpenAI"),
    refused("prompt", "it is kept at OpenAI"),
    ignored("background_options", "answers are waited for, or streamed"),
    ignored("access_programs", OWN),
    ignored("image", OWN),
    ignored("metadata", OWN),
    ignored("user", OWN),
    ignored("safety_identifier", OWN),
    ignored("prompt_cache_key", CACHE),
    ignored("prompt_cache_retention", CACHE),
    ignored("prompt_cache_options", CACHE),
    ignored("client_metadata", OWN),
    lost("moderation", "Gemini has filters of its own", &[]),
];

/// Returns the verdict on each field of this body: from the translator's notes, or else from the table.
pub fn verdicts(body: &[u8], noted: Vec<Note>) -> Vec<Note> {
    // The body was parsed earlier, so it is valid JSON.
    fields::verdicts(FIELDS, &serde_json::from_slice(body).unwrap_or_default(), noted)
}
