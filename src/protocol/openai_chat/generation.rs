//! Generation settings: sampling, limits, thinking, format.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::Facts;
use crate::protocol::rules::format::Format;
use crate::protocol::rules::{limits, logprobs, thinking};
use crate::protocol::{Notes, Target};
use crate::wire::gemini::request::{Generation, GenerationConfig, ThinkingConfig};
use crate::wire::json::{Shape, decode};
use crate::wire::openai::chat::{Google, Request, ResponseFormat};

/// Builds the generation config, except for `response_format`.
///
/// # Errors
/// 400, naming the field.
pub fn config<'a>(
    request: &'a Request<'a>,
    google: Option<&'a Google<'a>>,
    target: &Target<'_>,
) -> Result<GenerationConfig<'a>, Error> {
    let (facts, notes) = (&target.model.facts, target.notes);
    let penalty = |value: Option<f64>, name| {
        // 0 means no penalty, and models that do not support penalties reject even that.
        let value = limits::ranged(value, name, -2.0, 2.0)?.filter(|value| *value != 0.0);
        if value.is_some() && !facts.penalties {
            notes.dropped(name, "this model accepts no penalties");
        }
        Ok::<_, Error>(value.filter(|_| facts.penalties))
    };
    Ok(GenerationConfig {
        stop_sequences: stop(request)?,
        max_output_tokens: max_tokens(request, target)?,
        candidate_count: candidates(request, facts)?,
        temperature: limits::ranged(request.temperature, "temperature", 0.0, 2.0)?,
        top_p: limits::ranged(request.top_p, "top_p", 0.0, 1.0)?,
        top_k: limits::at_least_one(request.top_k, "top_k")?,
        seed: request.seed.map(|seed| fold_seed(seed, notes)),
        frequency_penalty: penalty(request.frequency_penalty, "frequency_penalty")?,
        presence_penalty: penalty(request.presence_penalty, "presence_penalty")?,
        response_logprobs: logprobs::wanted(
            request.logprobs == Some(true),
            request.stream == Some(true),
            "logprobs",
            facts,
        )?,
        logprobs: top_logprobs(request)?,
        response_modalities: modalities(request, facts)?,
        thinking_config: thinking(request, google, target)?,
        ..GenerationConfig::default()
    })
}

impl<'a> GenerationConfig<'a> {
    /// Merges the client's own members over this config.
    pub fn with(self, own: Option<&RawValue>) -> Generation<'a> {
        let own = own.and_then(|raw| serde_json::from_str::<Map<String, Value>>(raw.get()).ok());
        match (own, serde_json::to_value(&self)) {
            (Some(own), Ok(Value::Object(mut members))) => {
                members.extend(own.into_iter().map(|(name, value)| (camel_case(&name), value)));
                Generation::Merged(members)
            }
            _ => self.into(),
        }
    }
}

/// Converts a name to camel case. Google accepts both spellings, so this server's and the client's would otherwise be
/// two members.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.extend(letters);
        name
    })
}

/// Reads `response_format`.
///
/// # Errors
/// 400, naming the field.
pub fn format<'a>(format: Option<&'a ResponseFormat<'a>>) -> Result<Format<'a>, Error> {
    let Some(format) = format else { return Ok(Format::Free) };
    match format.kind.as_deref() {
        Some("text") => Ok(Format::Free),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => {
            let missing = |param: &'static str| {
                Error::invalid(format!("Missing required parameter: '{param}'."))
                    .param(param)
                    .code("missing_required_parameter")
            };
            let named = format.json_schema.as_ref().ok_or_else(|| missing("response_format.json_schema"))?;
            match named.schema.filter(|raw| Shape::of(raw) == Shape::Object) {
                Some(schema) => Ok(Format::Schema(schema, "response_format.json_schema.schema")),
                None if named.schema.is_some() => {
                    let param = "response_format.json_schema.schema";
                    let message = format!("Invalid type for '{param}': expected an object.");
                    Err(Error::invalid(message).param(param).code("invalid_type"))
                }
                None => Ok(Format::Json),
            }
        }
        other => {
            let shown: String = other.unwrap_or_default().chars().take(64).collect();
            let message = format!(
                "Invalid value: '{}'. Supported values are: 'text', 'json_object', and 'json_schema'.",
                shown.escape_debug()
            );
            Err(Error::invalid(message).param("response_format.type").code("invalid_value"))
        }
    }
}

/// Reads the token limit; the newer name takes precedence. A limit above the model's maximum is clamped, because Google
/// would reject it with a 400.
fn max_tokens(request: &Request<'_>, target: &Target<'_>) -> Result<Option<u32>, Error> {
    let (value, name) = match request.max_completion_tokens {
        Some(value) => (Some(value), "max_completion_tokens"),
        None => (request.max_tokens, "max_tokens"),
    };
    limits::tokens(value, name, target)
}

fn candidates(request: &Request<'_>, facts: &Facts) -> Result<Option<u32>, Error> {
    let Some(n) = limits::at_least_one(request.n, "n")?.filter(|n| *n > 1) else { return Ok(None) };
    if n > facts.candidates || request.stream == Some(true) {
        let message = if facts.candidates > 1 && request.stream != Some(true) {
            format!("Invalid value for 'n': this model returns at most {} answers, but got {n}.", facts.candidates)
        } else {
            "Invalid value for 'n': this model returns one answer per request. Send the request several times."
                .to_owned()
        };
        return Err(Error::invalid(message).param("n").code("unsupported_value"));
    }
    Ok(Some(n))
}

fn stop<'a>(request: &Request<'a>) -> Result<Vec<Cow<'a, str>>, Error> {
    let wrong = || {
        Error::invalid("Invalid type for 'stop': expected a string or an array of strings.")
            .param("stop")
            .code("invalid_type")
    };
    let Some(raw) = request.stop else { return Ok(Vec::new()) };
    let mut stops: Vec<Cow<'a, str>> = match Shape::of(raw) {
        Shape::String => vec![decode(raw).ok_or_else(wrong)?],
        Shape::Array => {
            let texts: Vec<String> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
            texts.into_iter().map(Cow::Owned).collect()
        }
        _ => return Err(wrong()),
    };
    stops.retain(|stop| !stop.is_empty());
    if stops.len() > 5 {
        let message = format!("Invalid 'stop': array too long. Gemini accepts at most 5, but got {}.", stops.len());
        return Err(Error::invalid(message).param("stop").code("array_above_max_length"));
    }
    Ok(stops)
}

/// Folds a seed into 31 bits if it does not fit Gemini's 32-bit field, so that equal seeds stay equal.
fn fold_seed(seed: i64, notes: &Notes) -> i32 {
    i32::try_from(seed).ok().filter(|seed| *seed >= 0).unwrap_or_else(|| {
        notes.clamped("seed", "folded into 31 bits: equal seeds stay equal");
        let folded = (seed ^ (seed >> 32)) & i64::from(i32::MAX);
        i32::try_from(folded).unwrap_or_default()
    })
}

fn top_logprobs(request: &Request<'_>) -> Result<Option<u32>, Error> {
    let Some(top) = request.top_logprobs else { return Ok(None) };
    if request.logprobs != Some(true) {
        let message = "'top_logprobs' needs 'logprobs' to be true.";
        return Err(Error::invalid(message).param("top_logprobs").code("invalid_value"));
    }
    logprobs::top(top).map(Some)
}

fn modalities(request: &Request<'_>, facts: &Facts) -> Result<Vec<&'static str>, Error> {
    let wanted = request.modalities.as_deref().unwrap_or_default();
    let mut read = Vec::new();
    for (index, modality) in wanted.iter().enumerate() {
        read.push(match modality.as_ref() {
            "text" => "TEXT",
            "image" if facts.images => "IMAGE",
            other => {
                let shown: String = other.chars().take(64).collect();
                let message = format!(
                    "Invalid value: '{}'. Supported values are: 'text' and, for image models (`gemini-*-image`), 'image'.",
                    shown.escape_debug()
                );
                return Err(Error::invalid(message).param(format!("modalities[{index}]")).code("unsupported_value"));
            }
        });
    }
    Ok(if read == ["TEXT"] { Vec::new() } else { read })
}

fn thinking<'a>(
    request: &'a Request<'a>,
    google: Option<&'a Google<'a>>,
    target: &Target<'_>,
) -> Result<Option<ThinkingConfig<'a>>, Error> {
    if target.remedies.no_thinking {
        target.notes.dropped("reasoning_effort", "this model was found to reject thinking settings");
        return Ok(None);
    }
    let effort = request.reasoning_effort.as_deref();
    let native = google.and_then(|google| google.thinking_config.as_ref());
    match (effort, native) {
        (Some(_), Some(_)) => {
            let message =
                "'reasoning_effort' and 'extra_body.google.thinking_config' set the same thing: send only one.";
            Err(Error::invalid(message).param("reasoning_effort").code("invalid_value"))
        }
        (Some(effort), None) => thinking::for_effort(effort, "reasoning_effort", target),
        (None, Some(native)) => Ok(Some(ThinkingConfig {
            thinking_budget: native.thinking_budget,
            thinking_level: native.thinking_level.as_deref().map(|level| level.to_uppercase().into()),
            include_thoughts: native.include_thoughts,
        })),
        (None, None) => Ok(None),
    }
}
