//! A chat request to a `GenerateContentRequest`.

use bytes::Bytes;

use super::{generation, messages, tools};
use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::rules::document;
use crate::wire::gemini::request::{Content, Part, Request, Role};
use crate::wire::openai::chat;

/// Reads the body.
///
/// # Errors
/// 400, naming the field where there is one.
pub fn parse(body: &[u8]) -> Result<chat::Request<'_>, Error> {
    let request: chat::Request<'_> = document::read(body)?;
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
        Some(_) => Ok(request),
    }
}

/// The Gemini request for this target.
///
/// # Errors
/// 400, naming the field, when the request asks for what this model or Gemini cannot do.
pub fn translate<'a>(request: &'a chat::Request<'a>, target: &'a Target<'a>) -> Result<Bytes, Error> {
    let (facts, notes) = (&target.model.facts, target.notes);
    let google = request.extra_body.as_ref().and_then(|extra| extra.google.as_ref()).or(request.google.as_ref());
    let declared = tools::Declared::read(request, google, notes)?;
    let history = messages::read(request.messages.as_deref().unwrap_or_default(), target)?;

    let mut system = history.system;
    let mut contents = history.contents;
    let format = generation::format(request.response_format.as_ref())?;
    let in_words = declared.has_any() && !facts.tools_with_json;
    if in_words && let Some(words) = format.in_words() {
        notes.emulated("response_format", "this model takes no JSON type together with tools: it is told in words");
        system.push(Part::text(words));
    }
    let mut config = generation::config(request, google, target)?;
    if !in_words {
        format.into_config(&mut config, target);
    }
    if !facts.system_instruction {
        put_before_first_user(&mut system, &mut contents);
    }
    let (tools, tool_config) = declared.into_tools(request, target)?;
    let translated = Request {
        system_instruction: (!system.is_empty()).then_some(Content { role: None, parts: system }),
        contents,
        tools,
        tool_config,
        generation_config: config.with(google.and_then(|google| google.generation_config)),
        safety_settings: google.and_then(|google| google.safety_settings),
        cached_content: google.and_then(|google| google.cached_content.clone()),
        service_tier: generation::service_tier(request.service_tier.as_deref()),
    };
    serde_json::to_vec(&translated)
        .map(Bytes::from)
        .map_err(|error| Error::internal(format!("the translated request could not be written: {error}")))
}

/// Some models take no system instruction: its words go in front of the first user turn's.
fn put_before_first_user<'a>(system: &mut Vec<Part<'a>>, contents: &mut Vec<Content<'a>>) {
    if system.is_empty() {
        return;
    }
    let words = std::mem::take(system);
    match contents.iter_mut().find(|content| content.role == Some(Role::User)) {
        Some(first) => {
            first.parts.splice(0..0, words);
        }
        None => contents.insert(0, Content { role: Some(Role::User), parts: words }),
    }
}
