//! Translates a Messages request to a `GenerateContentRequest`.

use std::borrow::Cow;

use super::{messages, thread, tools};
use crate::error::Error;
use crate::model::Thinking;
use crate::protocol::Target;
use crate::protocol::rules::format::Format;
use crate::protocol::rules::tools::ToolSet;
use crate::protocol::rules::{document, limits, thinking};
use crate::wire::anthropic::messages as wire;
use crate::wire::gemini::request::{GenerationConfig, Request, ThinkingConfig};
use crate::wire::json::Shape;

/// The maximum number of stop sequences that Gemini accepts.
const STOPS: usize = 5;

/// A parsed request.
pub struct Parsed<'a> {
    /// Its body.
    pub body: wire::Request<'a>,
    /// Its `tools`.
    pub tools: Option<tools::Tools<'a>>,
}

impl<'a> Parsed<'a> {
    /// Reads what is still raw of a request.
    ///
    /// # Errors
    /// 400, naming the field.
    pub fn of(body: wire::Request<'a>) -> Result<Self, Error> {
        Ok(Self { tools: body.tools.map(tools::listed).transpose()?, body })
    }
}

/// Parses the request body.
///
/// # Errors
/// 400, naming the field if there is one.
pub fn parse(body: &[u8]) -> Result<Parsed<'_>, Error> {
    let parsed = Parsed::of(document::read(body)?)?;
    let request = &parsed.body;
    if request.model.as_deref().unwrap_or_default().is_empty() {
        return Err(document::missing("model"));
    }
    match request.messages.as_deref() {
        None => Err(document::missing("messages")),
        Some([]) => Err(Error::invalid("messages: at least one message is required").param("messages")),
        Some(_) => thread::check(request).map(|()| parsed),
    }
}

/// Requires `max_tokens`. An answer needs a limit; a token count does not.
///
/// # Errors
/// 400 when it is missing.
pub fn demand_max_tokens(request: &wire::Request<'_>) -> Result<(), Error> {
    request.max_tokens.map(drop).ok_or_else(|| document::missing("max_tokens"))
}

/// Whether the client is shown thoughts.
pub fn shows_thoughts(request: &wire::Request<'_>) -> bool {
    let thinking = request.thinking.as_ref().filter(|thinking| thinks(thinking));
    thinking.is_some_and(|thinking| thinking.display.as_deref() != Some("omitted"))
}

/// Whether the client accepts thinking blocks, with or without their text.
pub fn takes_thoughts(request: &wire::Request<'_>) -> bool {
    request.thinking.as_ref().is_some_and(thinks)
}

fn thinks(thinking: &wire::Thinking<'_>) -> bool {
    matches!(thinking.kind.as_deref(), Some("enabled" | "adaptive"))
}

/// Translates the request, together with what is stored of its thread, to a Gemini request for this target.
///
/// # Errors
/// 400, naming the field, when this model or Gemini does not support what is requested.
pub fn translate<'a>(
    parsed: &'a Parsed<'_>,
    held: Option<&'a Parsed<'_>>,
    target: &'a Target<'a>,
) -> Result<Request<'a>, Error> {
    let request = &parsed.body;
    let declared = match (&parsed.tools, held.and_then(|held| held.tools.as_ref())) {
        (Some(tools), _) => tools::read(tools, target)?,
        (None, Some(tools)) => tools::read(tools, target)?,
        (None, None) => ToolSet::default(),
    };
    let mut history = messages::read(request, held.map(|held| &held.body), target)?;
    let mut config = config(request, target)?;
    let (format, field) = format(request)?;
    format.settle(declared.has_any(), field, &mut config, &mut history, target);
    let choice = tools::choice(request.tool_choice.as_ref())?;
    let (tools, tool_config) = declared.into_tools(choice, "tool_choice", target)?;
    let (system_instruction, contents) = history.placed(target);
    Ok(Request {
        system_instruction,
        contents,
        tools,
        tool_config,
        generation_config: config.into(),
        ..Request::default()
    })
}

fn config<'a>(request: &'a wire::Request<'a>, target: &Target<'_>) -> Result<GenerationConfig<'a>, Error> {
    Ok(GenerationConfig {
        stop_sequences: stops(request, target),
        max_output_tokens: limits::tokens(request.max_tokens, "max_tokens", target)?,
        temperature: limits::ranged(request.temperature, "temperature", 0.0, 2.0)?,
        top_p: limits::ranged(request.top_p, "top_p", 0.0, 1.0)?,
        top_k: limits::at_least_one(request.top_k, "top_k")?,
        thinking_config: thinking(request, target)?,
        ..GenerationConfig::default()
    })
}

fn stops<'a>(request: &'a wire::Request<'a>, target: &Target<'_>) -> Vec<Cow<'a, str>> {
    let mut stops: Vec<_> = request.stop_sequences.iter().flatten().filter(|stop| !stop.is_empty()).cloned().collect();
    if stops.len() > STOPS {
        target.notes.clamped("stop_sequences", format_args!("Gemini accepts {STOPS}: the others are left out"));
        stops.truncate(STOPS);
    }
    stops
}

fn format<'a>(request: &'a wire::Request<'a>) -> Result<(Format<'a>, &'static str), Error> {
    let newer = request.output_config.as_ref().and_then(|config| config.format.as_ref());
    let (format, field, schema) = match (newer, &request.output_format) {
        (Some(format), _) => (format, "output_config.format", "output_config.format.schema"),
        (None, Some(format)) => (format, "output_format", "output_format.schema"),
        (None, None) => return Ok((Format::Free, "")),
    };
    match (format.kind.as_deref(), format.schema) {
        (Some("json_schema"), Some(raw)) if Shape::of(raw) == Shape::Object => Ok((Format::Schema(raw, schema), field)),
        (Some("json_schema"), _) => Err(document::missing(schema)),
        (kind, _) => Err(document::unknown_kind(kind, "'json_schema'", &format!("{field}.type"))),
    }
}

fn thinking(request: &wire::Request<'_>, target: &Target<'_>) -> Result<Option<ThinkingConfig<'static>>, Error> {
    if target.remedies.no_thinking {
        target.notes.dropped("thinking", "this model was found to reject thinking settings");
        return Ok(None);
    }
    let effort = request.output_config.as_ref().and_then(|config| config.effort.as_deref());
    let by_effort = || match effort {
        Some(effort) => thinking::for_effort(effort, "output_config.effort", target),
        // Without an effort, the model decides how much to think.
        None if target.model.facts.thinking == Thinking::None => Ok(None),
        None => Ok(Some(ThinkingConfig::default())),
    };
    let asked = request.thinking.as_ref();
    let config = match asked.map(|thinking| (thinking.kind.as_deref(), thinking.budget_tokens)) {
        None if effort.is_none() => return Ok(None),
        None | Some((Some("adaptive"), _)) => by_effort()?,
        Some((Some("disabled"), _)) => thinking::for_effort("none", "thinking.type", target)?,
        Some((Some("enabled"), Some(budget))) => thinking::for_budget(budget, "thinking.budget_tokens", target),
        Some((Some("enabled"), None)) => by_effort()?,
        Some((kind, _)) => {
            return Err(document::unknown_kind(kind, "'enabled', 'adaptive', and 'disabled'", &"thinking.type"));
        }
    };
    let include_thoughts = Some(shows_thoughts(request));
    Ok(config.map(|config| ThinkingConfig { include_thoughts, ..config }))
}
