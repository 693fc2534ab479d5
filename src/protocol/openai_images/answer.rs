//! Translates an image from Gemini's or Imagen's answer to OpenAI's format.

use crate::fault::{Blame, Fault, Kind};
use crate::protocol::rules::answer::broken;
use crate::protocol::rules::{finish, plain_text, usage};
use crate::protocol::{AnswerContext, Reply, Usage};
use crate::wire::gemini::predict;
use crate::wire::gemini::response::{self, ModalityCount, Response};
use crate::wire::openai::images::{self, Details, Image, Images};

/// Translates the answer of one call.
pub struct ImageReply {
    stamp: AnswerContext,
    by_url: bool,
    usage: Usage,
}

impl ImageReply {
    /// Creates a reply that holds the image as base64 or as a `data:` URL.
    pub fn new(stamp: AnswerContext, by_url: bool) -> Self {
        Self { stamp, by_url, usage: Usage::default() }
    }

    fn written<'p>(
        &self,
        pictures: &[(&str, &'p str)],
        words: &'p str,
        usage: Option<images::Usage>,
    ) -> Result<Vec<u8>, Fault> {
        let one = |(mime, data): &(&str, &'p str)| Image {
            b64_json: (!self.by_url).then_some(*data),
            url: self.by_url.then(|| format!("data:{mime};base64,{data}")),
            revised_prompt: (!words.is_empty()).then_some(words),
        };
        let output_format = pictures.first().and_then(|(mime, _)| mime.strip_prefix("image/"));
        let answer =
            Images { created: self.stamp.created, data: pictures.iter().map(one).collect(), output_format, usage };
        serde_json::to_vec(&answer).map_err(|error| broken(format!("the image could not be written: {error}")))
    }

    fn predicted(&self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let answer: predict::Answer<'_> = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let pictures: Vec<(&str, &str)> = (answer.predictions.iter())
            .filter_map(|one| {
                Some((one.mime_type.as_deref().unwrap_or("image/png"), one.bytes_base64_encoded.as_deref()?))
            })
            .collect();
        if pictures.is_empty() {
            // Imagen omits filtered images, with or without giving a reason.
            let why = answer.predictions.iter().find_map(|one| one.rai_filtered_reason.as_deref());
            return Err(withheld(why.unwrap_or("Imagen gave no image: it was filtered.")));
        }
        self.written(&pictures, "", None)
    }
}

impl Reply for ImageReply {
    fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let response: Response<'_> = serde_json::from_slice(body).map_err(|_| unreadable())?;
        if response.candidates.is_empty() && response.prompt_feedback.is_none() {
            return self.predicted(body);
        }
        let metadata = response.usage_metadata.map(|metadata| usage::parsed(metadata.get()));
        self.usage = metadata.as_ref().map(usage::counted).unwrap_or_default();
        let parts = || {
            response
                .candidates
                .iter()
                .filter_map(|candidate| candidate.content.as_ref())
                .flat_map(|content| &content.parts)
        };
        // Sketches made while thinking are not part of the answer.
        let pictures: Vec<(&str, &str)> = parts()
            .filter(|part| !part.thought)
            .filter_map(|part| part.inline_data.as_ref())
            .map(|blob| (&*blob.mime_type, &*blob.data))
            .collect();
        let words = plain_text::of(parts());
        if pictures.is_empty() {
            return Err(why_none(&response, &words));
        }
        let usage = metadata.map(|metadata| images::Usage {
            input_tokens: self.usage.prompt,
            output_tokens: self.usage.completion,
            total_tokens: self.usage.prompt + self.usage.completion,
            input_tokens_details: by_kind(&response::Usage::by_kind(metadata.prompt_tokens_details), self.usage.prompt),
        });
        self.written(&pictures, &words, usage)
    }

    fn usage(&self) -> Usage {
        self.usage.clone()
    }
}

fn by_kind(details: &[ModalityCount<'_>], prompt: u64) -> Details {
    let images = details.iter().filter(|detail| detail.modality == "IMAGE").map(|detail| detail.token_count).sum();
    Details { text_tokens: prompt.saturating_sub(images), image_tokens: images }
}

/// Explains why there is no image: it was withheld, the model answered with text instead, or it failed.
fn why_none(response: &Response<'_>, words: &str) -> Fault {
    let blocked = response.prompt_feedback.as_ref().and_then(|feedback| feedback.block_reason.as_deref());
    let reason = response.candidates.iter().find_map(|candidate| candidate.finish_reason.as_deref());
    match (blocked, reason.map(finish::read)) {
        (Some(reason), _) => withheld(&format!("Google blocked the prompt: {reason}.")),
        (None, Some(finish::Finish::Filtered)) => {
            withheld(&format!("Google withheld the image: {}.", reason.unwrap_or_default()))
        }
        _ if reason == Some("NO_IMAGE") || !words.is_empty() => {
            let said = if words.is_empty() { String::new() } else { format!(" It said: {words}") };
            Fault::new(Kind::BadRequest, Blame::Request, format!("Gemini drew no image for this prompt.{said}"))
        }
        _ => broken("Gemini gave no image. Sending the request again may help."),
    }
}

fn withheld(message: &str) -> Fault {
    Fault::new(Kind::Withheld, Blame::Request, message)
}

fn unreadable() -> Fault {
    broken("Gemini's image cannot be read.")
}
