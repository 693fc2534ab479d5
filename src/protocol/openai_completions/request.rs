//! Translates a completions request to a `GenerateContentRequest`: the prompt becomes a user turn, and the system
//! instruction asks for its continuation.

use bytes::Bytes;

use crate::error::Error;
use crate::protocol::Target;
use crate::protocol::openai_chat::generation;
use crate::protocol::rules::document;
use crate::wire::gemini::request::{Content, Part, Request, Role};
use crate::wire::json::{Shape, Text, decode};
use crate::wire::openai::{chat, completions};

/// The instruction that makes a chat model continue a text.
const GO_ON: &str = "Continue the text of the user's message. Answer with the continuation alone: no introduction, no explanation, no code fences, nothing of the text repeated.";

/// Parses the request body.
///
/// # Errors
/// 400, naming the field if there is one.
pub fn parse(body: &[u8]) -> Result<completions::Request<'_>, Error> {
    let request: completions::Request<'_> = document::read(body)?;
    if request.model.as_deref().unwrap_or_default().is_empty() {
        return Err(document::missing("model"));
    }
    prompt(&request).map(|_| request)
}

/// Returns the text to continue.
///
/// # Errors
/// 400 when the prompt is not a single text, but several prompts or tokens.
pub fn prompt<'a>(request: &completions::Request<'a>) -> Result<Text<'a>, Error> {
    let raw = request.prompt.ok_or_else(|| document::missing("prompt"))?;
    if Shape::of(raw) != Shape::Array {
        return document::text(Some(raw), &"prompt");
    }
    let mut prompts: Vec<&serde_json::value::RawValue> = document::nested(raw, &"prompt")?;
    match (prompts.pop(), prompts.is_empty()) {
        (Some(only), true) if Shape::of(only) == Shape::String => document::text(Some(only), &"prompt[0]"),
        (None, _) => Err(document::missing("prompt[0]")),
        _ => {
            let message = "Invalid 'prompt': only one text is accepted. Send several prompts as several requests, and tokens as text.";
            Err(Error::invalid(message).param("prompt").code("unsupported_value"))
        }
    }
}

/// Translates the request to a Gemini request for this target.
///
/// # Errors
/// 400, naming the field, when this model or Gemini does not support what is requested.
pub fn translate(request: &completions::Request<'_>, target: &Target<'_>) -> Result<Bytes, Error> {
    // The generation settings have the same fields as in chat.
    let made = chat::Request {
        stream: request.stream,
        max_tokens: request.max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        n: request.n,
        stop: request.stop,
        seed: request.seed,
        frequency_penalty: request.frequency_penalty,
        presence_penalty: request.presence_penalty,
        ..chat::Request::default()
    };
    let config = generation::config(&made, None, target)?;
    let mut words = GO_ON.to_owned();
    if let Some(suffix) = request.suffix.as_deref().filter(|suffix| !suffix.is_empty()) {
        words.push_str(" Behind the continuation stands this text, which it must lead to without repeating it:\n");
        words.push_str(suffix);
    }
    let mut parts = vec![Part::text(prompt(request)?)];
    let mut system = vec![Part::text(words)];
    if !target.model.facts.system_instruction {
        parts.splice(0..0, std::mem::take(&mut system));
    }
    let translated = Request {
        system_instruction: (!system.is_empty()).then_some(Content { role: None, parts: system }),
        contents: vec![Content { role: Some(Role::User), parts }],
        generation_config: config.into(),
        ..Request::default()
    };
    translated.written()
}

/// Returns the prompt if the answer is to repeat it.
pub fn echoed(request: &completions::Request<'_>) -> Option<String> {
    let raw = request.prompt.filter(|_| request.echo == Some(true))?;
    decode(raw)
        .map(|text| text.into_owned())
        .or_else(|| serde_json::from_str::<[String; 1]>(raw.get()).ok().map(|[text]| text))
}
