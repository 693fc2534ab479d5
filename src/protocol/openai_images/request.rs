//! Translates an image request to a `GenerateContentRequest`, or to Imagen's `PredictRequest`.

use std::borrow::Cow;

use bytes::Bytes;

use super::size::{Choice, Size};
use crate::error::Error;
use crate::model::Gives;
use crate::protocol::Target;
use crate::protocol::rules::{document, media};
use crate::wire::gemini::predict;
use crate::wire::gemini::request::{Content, GenerationConfig, ImageConfig, Part, Request, Role};
use crate::wire::openai::images;

/// The maximum number of images in one request, as at OpenAI.
const MOST: i64 = 10;
/// The maximum number of input images, as at OpenAI.
const MOST_INPUTS: usize = 16;

/// A parsed request.
pub struct Parsed<'a> {
    /// The original body.
    pub body: &'a [u8],
    /// The model's name as the client wrote it.
    pub model: Cow<'a, str>,
    /// The number of images to generate.
    pub count: usize,
    /// Whether to return each image as a `data:` URL.
    pub by_url: bool,
    request: images::Request<'a>,
    size: Option<Size>,
}

/// Parses the request body.
///
/// # Errors
/// 400, naming the field.
pub fn read(body: &[u8], edits: bool) -> Result<Parsed<'_>, Error> {
    let mut request: images::Request<'_> = document::read(body)?;
    let model = document::model(request.model.take())?;
    if request.prompt.as_deref().is_none_or(|prompt| prompt.trim().is_empty()) {
        return Err(document::missing("prompt"));
    }
    let inputs = request.image.0.len();
    if edits && inputs == 0 {
        return Err(document::missing("image"));
    }
    if inputs > MOST_INPUTS {
        let message = format!("Invalid 'image': at most {MOST_INPUTS} images can be sent, but got {inputs} instead.");
        return Err(Error::invalid(message).param("image").code("array_above_max_length"));
    }
    if request.mask.is_some() {
        return Err(unsupported(
            "mask",
            "Gemini accepts no mask. Leave it out, and describe the change in the prompt.",
        ));
    }
    if request.stream == Some(true) {
        return Err(unsupported("stream", "images are not streamed. Leave it out."));
    }
    let n = request.n.unwrap_or(1);
    let count = usize::try_from(n).ok().filter(|_| (1..=MOST).contains(&n));
    let Some(count) = count else {
        let message = format!("Invalid 'n': expected an integer between 1 and {MOST}, but got {n} instead.");
        return Err(Error::invalid(message).param("n").code("invalid_value"));
    };
    let by_url = match request.response_format.as_deref() {
        None | Some("b64_json") => false,
        Some("url") => true,
        Some(_) => return Err(document::unknown_value("response_format", &["b64_json", "url"])),
    };
    let size = match request.size.as_deref() {
        None | Some("auto" | "") => None,
        Some(text) => Some(Size::parse(text).ok_or_else(|| {
            let message =
                "Invalid value for 'size'. Expected `WIDTHxHEIGHT` in pixels, such as '1024x1536', or 'auto'.";
            Error::invalid(message).param("size").code("invalid_value")
        })?),
    };
    Ok(Parsed { body, model, count, by_url, request, size })
}

/// Builds the call that generates one image.
///
/// # Errors
/// 400, naming the field, when this model does not support what is requested.
pub fn translate(read: &Parsed<'_>, target: &Target<'_>) -> Result<Bytes, Error> {
    let prompt = read.request.prompt.as_deref().unwrap_or_default();
    match target.model.facts.gives {
        Gives::Predictions => predicted(read, prompt, target),
        Gives::Pictures { sizes } => drawn(read, prompt, sizes, target),
        Gives::Anything => drawn(read, prompt, false, target),
        _ => Err(document::gives_other(&read.model, target.model, "images", "gemini-3.1-flash-image")),
    }
}

fn drawn(read: &Parsed<'_>, prompt: &str, sizes: bool, target: &Target<'_>) -> Result<Bytes, Error> {
    let mut parts = Vec::new();
    for (index, file) in read.request.image.0.iter().enumerate() {
        let place = if read.request.image.0.len() == 1 { "image".to_owned() } else { format!("image[{index}]") };
        parts.push(Part::from(media::of_form(file, &place, "image/")?));
    }
    parts.push(Part::text(prompt));
    let image_config = ImageConfig {
        aspect_ratio: ratio(read, if sizes { Choice::Newer } else { Choice::Gemini }, target),
        image_size: step(read, sizes, target),
    };
    let config = GenerationConfig {
        response_modalities: vec!["IMAGE"],
        image_config: (!image_config.is_empty()).then_some(image_config),
        ..GenerationConfig::default()
    };
    let contents = vec![Content { role: Some(Role::User), parts }];
    document::written(&Request { contents, generation_config: config.into(), ..Request::default() })
}

fn predicted(read: &Parsed<'_>, prompt: &str, target: &Target<'_>) -> Result<Bytes, Error> {
    if !read.request.image.0.is_empty() {
        return Err(unsupported("image", "Imagen accepts no images. Name a Gemini image model."));
    }
    step(read, false, target);
    let parameters = predict::Parameters { sample_count: 1, aspect_ratio: ratio(read, Choice::Imagen, target) };
    document::written(&predict::Request { instances: [predict::Instance { prompt }], parameters })
}

fn ratio(read: &Parsed<'_>, choice: Choice, target: &Target<'_>) -> Option<String> {
    let (ratio, exact) = read.size?.ratio(choice);
    if !exact {
        target.notes.clamped("size", format_args!("{ratio} is the nearest ratio this model supports"));
    }
    Some(ratio)
}

/// Returns the image size: from `size`, or else from `quality`.
fn step(read: &Parsed<'_>, sizes: bool, target: &Target<'_>) -> Option<&'static str> {
    let by_quality = match read.request.quality.as_deref() {
        Some("high" | "hd" | "xhigh") => Some("2K"),
        Some("max") => Some("4K"),
        _ => None,
    };
    let by_size = read.size.and_then(Size::step);
    if sizes {
        return by_size.or(by_quality);
    }
    for (field, step) in [("size", by_size), ("quality", by_quality)] {
        if step.is_some() {
            target.notes.clamped(field, "this model has one image size");
        }
    }
    None
}

fn unsupported(field: &'static str, why: &str) -> Error {
    Error::invalid(format!("Unsupported parameter: '{field}': {why}")).param(field).code("unsupported_parameter")
}
