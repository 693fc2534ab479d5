//! Content blocks of a user message or a tool result.

use std::fmt::Display;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::protocol::rules::document::{content, nested, text, unknown_kind};
use crate::protocol::rules::files;
use crate::protocol::{RemoteFile, Target};
use crate::wire::anthropic::messages::{Block, Message, Source};
use crate::wire::gemini::request::Part;
use crate::wire::json::{self, Shape};

/// Reads content that may hold only text, such as the system prompt. Empty texts are left out.
///
/// # Errors
/// 400, naming the block.
pub fn words<'a>(raw: Option<&'a RawValue>, place: &dyn Display) -> Result<Vec<Part<'a>>, Error> {
    content::<Block<'a>>(raw, place)?.parts(place, |block, place| match block.kind.as_deref() {
        Some("text") => said(&block, place),
        kind => Err(unknown_kind(kind, "'text'", &format_args!("{place}.type"))),
    })
}

/// Reads a string, or blocks of all kinds. Empty texts are left out.
///
/// # Errors
/// 400, naming the block.
pub fn all<'a>(raw: Option<&'a RawValue>, place: &dyn Display, target: &'a Target<'_>) -> Result<Vec<Part<'a>>, Error> {
    content::<Block<'a>>(raw, place)?.parts(place, |block, place| read(block, place, target))
}

/// Reads a text block; returns None when its text is empty.
///
/// # Errors
/// 400 when the block has no text.
pub fn said<'a>(block: &Block<'a>, place: &dyn Display) -> Result<Option<Part<'a>>, Error> {
    let text = text(block.text, &format_args!("{place}.text"))?;
    Ok((!text.is_empty()).then(|| Part::text(text)))
}

/// Reads one block; returns no parts when it is empty.
///
/// # Errors
/// 400, naming the field.
pub fn read<'a>(block: Block<'a>, place: &dyn Display, target: &'a Target<'_>) -> Result<Vec<Part<'a>>, Error> {
    match block.kind.as_deref() {
        Some("text") => Ok(said(&block, place)?.into_iter().collect()),
        Some("image") => source(block.source, "image/png", &format_args!("{place}.source"), target),
        Some("document") => {
            let told = [("title", block.title), ("context", block.context)];
            let mut parts: Vec<Part<'a>> = told
                .into_iter()
                .filter_map(|(name, text)| Some(Part::text(format!("Document's {name}: {}", text?))))
                .collect();
            parts.extend(source(block.source, "application/pdf", &format_args!("{place}.source"), target)?);
            Ok(parts)
        }
        Some("search_result") => {
            let title = block.title.filter(|title| !title.is_empty());
            let mut parts: Vec<Part<'a>> = title.into_iter().map(|title| Part::text(title.into_owned())).collect();
            let source = block.source.filter(|raw| Shape::of(raw) == Shape::String);
            for (field, raw) in [("source", source), ("content", block.content)] {
                parts.extend(all(raw, &format_args!("{place}.{field}"), target)?);
            }
            Ok(parts)
        }
        kind => {
            let known = "'text', 'image', 'document', 'search_result', and 'tool_result'";
            Err(unknown_kind(kind, known, &format_args!("{place}.type")))
        }
    }
}

/// Reads an image or a document from any kind of source.
fn source<'a>(
    raw: Option<&'a RawValue>,
    mime: &str,
    place: &dyn Display,
    target: &'a Target<'_>,
) -> Result<Vec<Part<'a>>, Error> {
    let raw = raw.ok_or_else(|| files::refused(place, "is missing"))?;
    let source: Source<'a> = nested(raw, place)?;
    let data = match source.kind.as_deref() {
        Some("base64") => {
            let mime = source.media_type.as_deref().unwrap_or(mime);
            files::inline(source.data, mime, &format_args!("{place}.data"))?
        }
        Some("url") => files::by_url(source.url, &format_args!("{place}.url"), target)?,
        Some("file") => files::by_id(source.file_id.as_deref().unwrap_or_default(), &format_args!("{place}.file_id"))?,
        Some("text") => {
            let text = text(source.data, &format_args!("{place}.data"))?;
            return Ok(if text.is_empty() { Vec::new() } else { vec![Part::text(text)] });
        }
        Some("content") => return all(source.content, &format_args!("{place}.content"), target),
        kind => {
            let known = "'base64', 'url', 'file', 'text', and 'content'";
            return Err(unknown_kind(kind, known, &format_args!("{place}.type")));
        }
    };
    Ok(vec![data.into()])
}

/// Returns the files that messages reference by URL and that are not stored at Google. Invalid messages are skipped
/// here; translation reports them.
pub fn remote_files(messages: &[Message<'_>]) -> Vec<RemoteFile> {
    let mut named = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        remote_in(message.content, &format_args!("messages[{index}].content"), &mut named);
    }
    named
}

fn remote_in(raw: Option<&RawValue>, place: &dyn Display, named: &mut Vec<RemoteFile>) {
    let may = |raw: &&RawValue| {
        Shape::of(raw) == Shape::Array && memchr::memmem::find(raw.get().as_bytes(), b"\"url\"").is_some()
    };
    let blocks = raw.filter(may).and_then(|raw| json::read::<Vec<Block<'_>>>(raw.get()).ok());
    for (number, block) in blocks.into_iter().flatten().enumerate() {
        let place = format!("{place}[{number}]");
        remote_in(block.content, &format_args!("{place}.content"), named);
        let source = block.source.and_then(|raw| json::read::<Source<'_>>(raw.get()).ok());
        let url = source.and_then(|source| source.url.and_then(files::remote_url));
        named.extend(url.map(|url| RemoteFile { param: format!("{place}.source.url"), url }));
    }
}
