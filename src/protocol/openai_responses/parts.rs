//! The content of a message or an output: a text, or parts of several kinds.

use std::fmt::Display;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::protocol::rules::document::{content, text, unknown_kind};
use crate::protocol::rules::{files, media};
use crate::protocol::{RemoteFile, Target};
use crate::wire::gemini::request as gemini;
use crate::wire::json::{self, Shape};
use crate::wire::openai::responses::{Item, Part};

/// Reads the content. Empty texts are left out.
///
/// # Errors
/// 400, naming the part.
pub fn read<'a>(
    raw: Option<&'a RawValue>,
    place: &dyn Display,
    target: &'a Target<'_>,
) -> Result<Vec<gemini::Part<'a>>, Error> {
    content::<Part<'a>>(raw, place)?.parts(place, |part, place| one(part, place, target))
}

fn one<'a>(part: Part<'a>, place: &dyn Display, target: &'a Target<'_>) -> Result<Option<gemini::Part<'a>>, Error> {
    match part.kind.as_deref() {
        Some(kind @ ("input_text" | "output_text" | "text" | "refusal")) => {
            let (raw, field) = if kind == "refusal" { (part.refusal, "refusal") } else { (part.text, "text") };
            let text = text(raw, &format_args!("{place}.{field}"))?;
            Ok((!text.is_empty()).then(|| gemini::Part::text(text)))
        }
        Some("input_image") => {
            let data = match (part.image_url, part.file_id) {
                (Some(url), _) => files::by_url(Some(url), &format_args!("{place}.image_url"), target)?,
                (None, Some(id)) => files::by_id(&id, &format_args!("{place}.file_id"))?,
                (None, None) => return Err(files::refused(place, "needs `image_url` or `file_id`")),
            };
            let mut read = gemini::Part::from(data);
            read.media_resolution = files::resolution(part.detail.as_deref(), &format_args!("{place}.detail"), target);
            Ok(Some(read))
        }
        Some("input_file") => {
            let data = if let Some(data) = part.file_data {
                let named = part.filename.as_deref().and_then(media::mime_by_name);
                files::inline(Some(data), named.unwrap_or("application/pdf"), &format_args!("{place}.file_data"))?
            } else if let Some(url) = part.file_url {
                files::by_url(Some(url), &format_args!("{place}.file_url"), target)?
            } else {
                files::by_id(part.file_id.as_deref().unwrap_or_default(), &format_args!("{place}.file_id"))?
            };
            Ok(Some(data.into()))
        }
        kind => {
            let known = "'input_text', 'input_image', 'input_file', 'output_text', and 'refusal'";
            Err(unknown_kind(kind, known, &format_args!("{place}.type")))
        }
    }
}

/// Returns the files that the input references by URL and that are not stored at Google. Invalid items are skipped
/// here; translation reports them.
pub fn remote_files(input: Option<&RawValue>) -> Vec<RemoteFile> {
    let mut named = Vec::new();
    let may = |raw: &&RawValue| {
        Shape::of(raw) == Shape::Array && memchr::memmem::find(raw.get().as_bytes(), b"_url\"").is_some()
    };
    let items = input.filter(may).and_then(|raw| json::read::<Vec<Item<'_>>>(raw.get()).ok());
    for (index, item) in items.into_iter().flatten().enumerate() {
        for (field, raw) in [("content", item.content), ("output", item.output)] {
            let parts = raw.filter(may).and_then(|raw| json::read::<Vec<Part<'_>>>(raw.get()).ok());
            for (number, part) in parts.into_iter().flatten().enumerate() {
                for (kind, raw) in [("image_url", part.image_url), ("file_url", part.file_url)] {
                    let param = format!("input[{index}].{field}[{number}].{kind}");
                    named.extend(raw.and_then(files::remote_url).map(|url| RemoteFile { param, url }));
                }
            }
        }
    }
    named
}
