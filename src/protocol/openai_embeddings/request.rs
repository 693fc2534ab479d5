//! Translates an embeddings request to a `BatchEmbedContentsRequest`.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::model::Gives;
use crate::protocol::Target;
use crate::protocol::rules::document;
use crate::wire::gemini::embed::{Batch, Request};
use crate::wire::gemini::request::{Content, Part};
use crate::wire::json::{Shape, Text, decode};
use crate::wire::openai::embeddings;

/// The maximum number of texts in one call (ai.google.dev/gemini-api/docs/embeddings, November 2026).
pub const LARGEST_BATCH: usize = 100;
/// The maximum number of texts in one request, as at OpenAI.
const MOST: usize = 2048;

/// A parsed request.
pub struct Parsed<'a> {
    /// The original body.
    pub body: &'a [u8],
    /// The model's name as the client wrote it.
    pub model: Cow<'a, str>,
    /// The texts, as JSON strings.
    pub texts: Vec<&'a RawValue>,
    /// Whether to encode the vectors as base64.
    pub base64: bool,
    dimensions: Option<i64>,
    task_type: Option<Cow<'a, str>>,
}

/// Parses the request body.
///
/// # Errors
/// 400, naming the field.
pub fn read(body: &[u8]) -> Result<Parsed<'_>, Error> {
    let request: embeddings::Request<'_> = document::read(body)?;
    let model = document::model(request.model)?;
    let base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(document::unknown_value("encoding_format", &["float", "base64"])),
    };
    if request.dimensions.is_some_and(|dimensions| dimensions < 1) {
        let message = "Invalid 'dimensions': integer below minimum value. Expected a value >= 1.";
        return Err(Error::invalid(message).param("dimensions").code("integer_below_min_value"));
    }
    let input = request.input.ok_or_else(|| document::missing("input"))?;
    let (dimensions, task_type) = (request.dimensions, request.task_type);
    Ok(Parsed { body, model, texts: texts(input)?, base64, dimensions, task_type })
}

fn texts(input: &RawValue) -> Result<Vec<&RawValue>, Error> {
    let wrong = |message: &str, code| Error::invalid(format!("Invalid 'input': {message}")).param("input").code(code);
    let texts = match Shape::of(input) {
        Shape::String => vec![input],
        Shape::Array => serde_json::from_str(input.get()).unwrap_or_default(),
        other => {
            let message = format!("expected a string or an array of strings, but got {} instead.", other.name());
            return Err(wrong(&message, "invalid_type"));
        }
    };
    if texts.is_empty() {
        return Err(wrong("empty array. Expected an array with minimum length 1.", "empty_array"));
    }
    if texts.len() > MOST {
        let message = format!("array too long. Expected at most {MOST} texts, but got {} instead.", texts.len());
        return Err(wrong(&message, "array_above_max_length"));
    }
    for (index, text) in texts.iter().enumerate() {
        match Shape::of(text) {
            Shape::String if text.get() == r#""""# => {
                return Err(wrong("input cannot be an empty string.", "empty_string").param(place(index, &texts)));
            }
            Shape::String if decode(text).is_none() => {
                let error = wrong("it contains a lone surrogate.", "invalid_value");
                return Err(error.param(place(index, &texts)));
            }
            Shape::String => {}
            // These are tokens of OpenAI's vocabulary, which cannot be decoded here.
            Shape::Scalar | Shape::Array => {
                return Err(wrong(
                    "token arrays are not supported, because Gemini has another tokenizer. Send texts; in LangChain, set `check_embedding_ctx_length=False`.",
                    "unsupported_value",
                ));
            }
            other => {
                let message = format!("expected a string, but got {} instead.", other.name());
                return Err(wrong(&message, "invalid_type").param(place(index, &texts)));
            }
        }
    }
    Ok(texts)
}

fn place(index: usize, texts: &[&RawValue]) -> String {
    if texts.len() == 1 { "input".to_owned() } else { format!("input[{index}]") }
}

/// Translates a range of the texts to a Gemini request.
///
/// # Errors
/// 400 when this model does not produce vectors.
pub fn translate(read: &Parsed<'_>, texts: Range<usize>, target: &Target<'_>) -> Result<Bytes, Error> {
    if !matches!(target.model.facts.gives, Gives::Vectors | Gives::Anything) {
        return Err(document::gives_other(&read.model, target.model, "vectors", "gemini-embedding-001"));
    }
    let model = target.model.name.resource();
    let requests = read.texts.get(texts).unwrap_or_default().iter().map(|text| Request {
        model: &model,
        content: Content { role: None, parts: vec![Part::text(Text::Raw(text))] },
        task_type: read.task_type.clone(),
        output_dimensionality: read.dimensions,
    });
    document::written(&Batch { requests: requests.collect() })
}
