//! OpenAI's Images API: images generated from a prompt, or from other images.
//!
//! A call to Gemini generates one image; a request for several is split into as many calls. [`request`] builds the
//! call, for Gemini's own models and for Imagen; [`size`] converts pixels to aspect ratios; [`answer`] reads both kinds
//! of answers.

mod answer;
mod request;
mod size;

use std::sync::Arc;

use bytes::Bytes;

use super::fields::{self, Field, ignored, lost, refused, renamed};
use super::{Accepted, AnswerContext, Family, Incoming, Note, OpenAi, Protocol, Reply, Target};
use crate::call::Method;
use crate::error::Error;
use crate::model::{Gives, Model};

/// The images protocols.
pub enum OpenAiImages {
    /// Images from a prompt.
    Generations,
    /// Images from a prompt and other images.
    Edits,
}

impl Protocol for OpenAiImages {
    fn name(&self) -> &'static str {
        match self {
            Self::Generations => "images",
            Self::Edits => "image_edits",
        }
    }

    fn family(&self) -> &'static dyn Family {
        &OpenAi
    }

    fn takes_forms(&self) -> bool {
        true
    }

    fn accept<'a>(&self, asked: Incoming<'a>) -> Result<Box<dyn Accepted + 'a>, Error> {
        let read = request::read(asked.body, matches!(self, Self::Edits))?;
        Ok(Box::new(Pictures { count: read.count, read: Arc::new(read) }))
    }
}

/// The verdict on every field (OpenAI's API reference, November 2026).
pub(super) const FIELDS: &[Field] = &[
    renamed("model", "", "after resolving aliases; in the URL"),
    renamed("prompt", "contents[].parts[].text", ""),
    renamed("image[]", "contents[].parts[].inlineData", "before the prompt"),
    renamed("image", "contents[].parts[].inlineData", "before the prompt"),
    refused("mask", "Gemini accepts no mask: describe the change in the prompt"),
    renamed("n", "", "one call per image"),
    renamed(
        "size",
        "generationConfig.imageConfig",
        "as the nearest aspect ratio, and a size step if the model supports sizes",
    ),
    renamed(
        "quality",
        "generationConfig.imageConfig.imageSize",
        "`high` and `hd` become 2K if the model supports sizes",
    ),
    renamed("response_format", "", "determines the format of the answer"),
    refused("stream", "images are not streamed"),
    lost("output_format", "Google chooses PNG or JPEG", &["\"png\"", "\"jpeg\""]),
    lost("output_compression", "Google chooses the compression", &["100", "\"100\""]),
    lost(
        "background",
        "Gemini draws no transparency: describe the background in the prompt",
        &["\"auto\"", "\"opaque\""],
    ),
    lost("style", "describe it in the prompt", &[]),
    lost("input_fidelity", "Gemini has no such setting", &["\"low\""]),
    ignored("moderation", "Google has its own filters"),
    ignored("partial_images", "it applies only to streams"),
    ignored("user", "it concerns OpenAI's abuse monitoring"),
];

/// A parsed request, or the share of it that one call handles.
struct Pictures<'a> {
    read: Arc<request::Parsed<'a>>,
    count: usize,
}

impl Accepted for Pictures<'_> {
    fn model(&self) -> &str {
        &self.read.model
    }

    fn method(&self) -> Method {
        Method::Generate
    }

    fn method_of(&self, model: &Model) -> Method {
        if model.facts.gives == Gives::Predictions { Method::Predict } else { Method::Generate }
    }

    fn call(&self, target: &Target<'_>) -> Result<Bytes, Error> {
        request::translate(&self.read, target)
    }

    fn verdicts(&self, notes: Vec<Note>) -> Vec<Note> {
        fields::verdicts(FIELDS, &serde_json::from_slice(self.read.body).unwrap_or_default(), notes)
    }

    fn reply(&self, stamp: AnswerContext) -> Box<dyn Reply> {
        Box::new(answer::ImageReply::new(stamp, self.read.by_url))
    }

    fn split(&self) -> Vec<Box<dyn Accepted + '_>> {
        let one = |_| Box::new(Pictures { read: self.read.clone(), count: 1 }) as Box<dyn Accepted + '_>;
        if self.count > 1 { (0..self.count).map(one).collect() } else { Vec::new() }
    }
}
