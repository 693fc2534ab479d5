//! Translates a Responses request to a `GenerateContentRequest`.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{input, tools};
use crate::error::Error;
use crate::model::Thinking;
use crate::protocol::Target;
use crate::protocol::rules::format::Format;
use crate::protocol::rules::{document, limits, logprobs, thinking};
use crate::wire::gemini::request::{GenerationConfig, Request, ThinkingConfig};
use crate::wire::json::Shape;
use crate::wire::openai::responses as wire;

/// Parses the request body.
///
/// # Errors
/// 400, naming the field if there is one.
pub fn parse(body: &[u8]) -> Result<wire::Request<'_>, Error> {
    let request: wire::Request<'_> = document::read(body)?;
    if request.model.as_deref().unwrap_or_default().is_empty() {
        return Err(document::missing("model"));
    }
    if request.input.is_none() && request.previous_response_id.is_none() {
        return Err(document::missing("input"));
    }
    let there = |raw: Option<&RawValue>| raw.is_some_and(|raw| Shape::of(raw) != Shape::Null);
    for (field, sent, instead) in [
        ("background", request.background == Some(true), "wait for the answer, or stream it"),
        ("conversation", there(request.conversation), "send `previous_response_id`, or the items as `input`"),
        ("prompt", there(request.prompt), "send the prompt's text as `instructions` and `input`"),
    ] {
        if sent {
            let message = format!("'{field}' needs state that only OpenAI has: {instead}.");
            return Err(Error::invalid(message).param(field).code("unsupported_parameter"));
        }
    }
    Ok(request)
}

/// Translates the request to a Gemini request for this target.
///
/// # Errors
/// 400, naming the field, when this model or Gemini does not support what is requested.
pub fn translate<'a>(request: &'a wire::Request<'a>, target: &'a Target<'a>) -> Result<Bytes, Error> {
    let declared = tools::read(request.tools.as_deref().unwrap_or_default(), target.notes)?;
    let mut history = input::read(request, target)?;
    let facts = &target.model.facts;
    let includes_logprobs = request.includes("message.output_text.logprobs");
    let mut config = GenerationConfig {
        max_output_tokens: limits::tokens(request.max_output_tokens, "max_output_tokens", target)?,
        temperature: limits::ranged(request.temperature, "temperature", 0.0, 2.0)?,
        top_p: limits::ranged(request.top_p, "top_p", 0.0, 1.0)?,
        response_logprobs: logprobs::wanted(includes_logprobs, request.stream == Some(true), "include", facts)?,
        logprobs: request.top_logprobs.filter(|_| includes_logprobs).map(logprobs::top).transpose()?,
        thinking_config: thinking(request, target)?,
        ..GenerationConfig::default()
    };
    format(request)?.settle(declared.has_any(), "text.format", &mut config, &mut history, target);
    let choice = tools::choice(request.tool_choice, target.notes)?;
    let (tools, tool_config) = declared.into_tools(choice, "tool_choice", target)?;
    let (system_instruction, contents) = history.placed(target);
    let translated = Request {
        system_instruction,
        contents,
        tools,
        tool_config,
        generation_config: config.into(),
        service_tier: limits::service_tier(request.service_tier.as_deref()),
        ..Request::default()
    };
    translated.written()
}

fn format<'a>(request: &'a wire::Request<'a>) -> Result<Format<'a>, Error> {
    let Some(format) = request.text.as_ref().and_then(|text| text.format.as_ref()) else { return Ok(Format::Free) };
    match (format.kind.as_deref(), format.schema) {
        (Some("text") | None, _) => Ok(Format::Free),
        (Some("json_object"), _) => Ok(Format::Json),
        (Some("json_schema"), Some(raw)) if Shape::of(raw) == Shape::Object => {
            Ok(Format::Schema(raw, "text.format.schema"))
        }
        (Some("json_schema"), _) => Err(document::missing("text.format.schema")),
        (kind, _) => Err(document::unknown_kind(kind, "'text', 'json_object', and 'json_schema'", &"text.format.type")),
    }
}

/// Builds the thinking config. Thoughts are returned if the client asked for a summary of them.
fn thinking(request: &wire::Request<'_>, target: &Target<'_>) -> Result<Option<ThinkingConfig<'static>>, Error> {
    let Some(reasoning) = &request.reasoning else { return Ok(None) };
    if target.remedies.no_thinking {
        target.notes.dropped("reasoning", "this model was found to reject thinking settings");
        return Ok(None);
    }
    let include_thoughts = Some(reasoning.summary.is_some() && reasoning.effort.as_deref() != Some("none"));
    let config = match reasoning.effort.as_deref() {
        Some(effort) => thinking::for_effort(effort, "reasoning.effort", target)?,
        None if reasoning.summary.is_none() || target.model.facts.thinking == Thinking::None => None,
        None => Some(ThinkingConfig::default()),
    };
    Ok(config.map(|config| ThinkingConfig { include_thoughts, ..config }))
}
