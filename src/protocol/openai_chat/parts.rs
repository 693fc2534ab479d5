//! The content of a message: a text, or parts of several kinds.

use std::fmt::Display;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::protocol::rules::document::{Content, content, nested, text, unknown_kind};
use crate::protocol::rules::{files, media};
use crate::protocol::{RemoteFile, Target};
use crate::wire::gemini::request as gemini;
use crate::wire::json::{self, Shape, Text};
use crate::wire::openai::chat::{MediaUrl, Message, Part};

/// Reads the texts of a message that may hold nothing else: a system, developer or assistant message. Empty texts are
/// left out.
///
/// # Errors
/// 400, naming the part.
pub fn texts<'a>(message: &'a Message<'a>, index: usize) -> Result<Vec<Text<'a>>, Error> {
    let place = format_args!("messages[{index}].content");
    let mut texts = match content::<Part<'_>>(message.content, &place)? {
        Content::None => Vec::new(),
        Content::Text(text) => vec![text],
        Content::Parts(parts) => {
            let mut texts = Vec::new();
            for (number, part) in parts.iter().enumerate() {
                match part.kind.as_deref() {
                    Some("text" | "input_text" | "output_text") => {
                        texts.push(text(part.text, &format_args!("{place}[{number}].text"))?);
                    }
                    Some("refusal") => texts.push(text(part.refusal, &format_args!("{place}[{number}].refusal"))?),
                    // Google does not want the text of thoughts back.
                    Some("thinking" | "redacted_thinking" | "reasoning") => {}
                    other => {
                        return Err(unknown_kind(
                            other,
                            "'text' and 'refusal'",
                            &format_args!("{place}[{number}].type"),
                        ));
                    }
                }
            }
            texts
        }
    };
    if let Some(refusal) = message.refusal.filter(|raw| Shape::of(raw) == Shape::String) {
        texts.push(text(Some(refusal), &format_args!("messages[{index}].refusal"))?);
    }
    texts.retain(|text| !text.is_empty());
    Ok(texts)
}

/// Reads the parts of a user message or a tool result.
///
/// # Errors
/// 400, naming the part.
pub fn read<'a>(
    message: &'a Message<'a>,
    index: usize,
    target: &'a Target<'_>,
) -> Result<Vec<gemini::Part<'a>>, Error> {
    let place = format_args!("messages[{index}].content");
    content(message.content, &place)?.parts(&place, |part, place| one(part, place, target))
}

/// Returns the files that messages reference by URL and that are not stored at Google. Invalid messages are skipped
/// here; translation reports them.
pub fn remote_files(messages: &[Message<'_>]) -> Vec<RemoteFile> {
    let mut named = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let may = |raw: &&RawValue| {
            let found = |word: &[u8]| memchr::memmem::find(raw.get().as_bytes(), word).is_some();
            Shape::of(raw) == Shape::Array && found(b"_url\"") && found(b"http")
        };
        let parts = message.content.filter(may).and_then(|raw| json::read::<Vec<Part<'_>>>(raw.get()).ok());
        for (number, part) in parts.iter().flatten().enumerate() {
            let kinds = [("image_url", part.image_url), ("video_url", part.video_url)];
            for (kind, raw) in kinds.into_iter().filter_map(|(kind, raw)| Some((kind, raw?))) {
                if let Some(url) = media_url(Some(raw), &"").ok().and_then(|media| files::remote_url(media.url?)) {
                    named.push(RemoteFile { param: format!("messages[{index}].content[{number}].{kind}.url"), url });
                }
            }
        }
    }
    named
}

/// Reads one part; returns None when it is empty.
fn one<'a>(part: Part<'a>, place: &dyn Display, target: &'a Target<'_>) -> Result<Option<gemini::Part<'a>>, Error> {
    match part.kind.as_deref() {
        Some("text" | "input_text") => {
            let text = text(part.text, &format_args!("{place}.text"))?;
            Ok((!text.is_empty()).then(|| gemini::Part::text(text)))
        }
        Some(kind @ ("image_url" | "video_url")) => {
            let raw = if kind == "image_url" { part.image_url } else { part.video_url };
            let MediaUrl { url, detail } = media_url(raw, &format_args!("{place}.{kind}"))?;
            let mut part = gemini::Part::from(files::by_url(url, &format_args!("{place}.{kind}.url"), target)?);
            let field = format_args!("{place}.{kind}.detail");
            part.media_resolution = files::resolution(detail.as_deref(), &field, target);
            Ok(Some(part))
        }
        Some("input_audio") => {
            let audio = part.input_audio.unwrap_or_default();
            let mime = format!("audio/{}", audio.format.as_deref().unwrap_or("wav"));
            files::inline(audio.data, &mime, &format_args!("{place}.input_audio.data")).map(|data| Some(data.into()))
        }
        Some("file") => {
            let file = part.file.unwrap_or_default();
            let data = match (file.file_data, file.file_id) {
                (Some(data), _) => {
                    let named = file.filename.as_deref().and_then(media::mime_by_name);
                    let mime = named.unwrap_or("application/pdf");
                    files::inline(Some(data), mime, &format_args!("{place}.file.file_data"))?
                }
                (None, Some(id)) => files::by_id(&id, &format_args!("{place}.file.file_id"))?,
                (None, None) => {
                    return Err(files::refused(&format_args!("{place}.file"), "needs `file_data` or `file_id`"));
                }
            };
            Ok(Some(data.into()))
        }
        Some("refusal") => {
            let text = text(part.refusal, &format_args!("{place}.refusal"))?;
            Ok((!text.is_empty()).then(|| gemini::Part::text(text)))
        }
        other => {
            let known = "'text', 'image_url', 'input_audio', 'file', 'video_url', and 'refusal'";
            Err(unknown_kind(other, known, &format_args!("{place}.type")))
        }
    }
}

/// Reads an object with `url`, or the bare URL that some clients send.
fn media_url<'a>(raw: Option<&'a RawValue>, place: &dyn Display) -> Result<MediaUrl<'a>, Error> {
    match raw {
        Some(raw) if Shape::of(raw) == Shape::String => Ok(MediaUrl { url: Some(raw), detail: None }),
        Some(raw) => nested(raw, place),
        None => Ok(MediaUrl::default()),
    }
}
