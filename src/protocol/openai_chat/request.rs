//! Translates a chat request to a `GenerateContentRequest`.

use bytes::Bytes;

use super::{generation, messages, tools};
use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::rules::{document, limits};
use crate::wire::gemini::request::Request;
use crate::wire::openai::chat;

/// A parsed request.
pub struct Parsed<'a> {
    /// Its body.
    pub body: chat::Request<'a>,
    /// Its `tools`.
    pub tools: Option<tools::Tools<'a>>,
}

/// Parses the request body.
///
/// # Errors
/// 400, naming the field if there is one.
pub fn parse(body: &[u8]) -> Result<Parsed<'_>, Error> {
    let request: chat::Request<'_> = document::read(body)?;
    let tools = request.tools.map(tools::listed).transpose()?;
    match request.model.as_deref() {
        None | Some("") => return Err(Error::invalid("you must provide a model parameter").param("model")),
        Some(_) => {}
    }
    match request.messages.as_deref() {
        None => {
            let message = "Missing required parameter: 'messages'.";
            Err(Error::invalid(message).param("messages").code("missing_required_parameter"))
        }
        Some([]) => {
            let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
            Err(Error::invalid(message).param("messages").code("empty_array"))
        }
        Some(_) => Ok(Parsed { body: request, tools }),
    }
}

/// Translates the request to a Gemini request for this target.
///
/// # Errors
/// 400, naming the field, when this model or Gemini does not support what is requested.
pub fn translate<'a>(parsed: &'a Parsed<'_>, target: &'a Target<'a>) -> Result<Bytes, Error> {
    let request = &parsed.body;
    let google = request.extra_body.as_ref().and_then(|extra| extra.google.as_ref()).or(request.google.as_ref());
    let declared = tools::read(parsed, google, target)?;
    let mut history = messages::read(request.messages.as_deref().unwrap_or_default(), target)?;

    let format = generation::format(request.response_format.as_ref())?;
    let mut config = generation::config(request, google, target)?;
    format.settle(declared.has_any(), "response_format", &mut config, &mut history, target);
    let (choice, field) = tools::choice(request)?;
    let (tools, tool_config) = declared.into_tools(choice, field, target)?;
    let (system_instruction, contents) = history.placed(target);
    let translated = Request {
        system_instruction,
        contents,
        tools,
        tool_config,
        generation_config: config.with(google.and_then(|google| google.generation_config)),
        safety_settings: google.and_then(|google| google.safety_settings),
        cached_content: google.and_then(|google| google.cached_content.clone()),
        service_tier: limits::service_tier(request.service_tier.as_deref()),
    };
    translated.written()
}
