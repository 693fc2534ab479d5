//! The content of a message: a text, or parts of several kinds.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::protocol::rules::{document, media};
use crate::protocol::{Files, RemoteFile, Target};
use crate::wire::gemini::request::{self as gemini, Data, MediaResolution};
use crate::wire::json::{Shape, Text, decode};
use crate::wire::openai::chat::{MediaUrl, Message, Part};

/// What a tool returned: words, and files.
#[derive(Debug, Default)]
pub struct ToolResult<'a> {
    /// All words.
    pub text: String,
    /// All files.
    pub media: Vec<gemini::Part<'a>>,
}

/// The texts of a message that holds nothing else: of the system, the developer, the assistant. Empty ones are left out.
///
/// # Errors
/// 400, naming the part.
pub fn texts<'a>(message: &'a Message<'a>, index: usize) -> Result<Vec<Text<'a>>, Error> {
    let place = format!("messages[{index}].content");
    let mut texts = match content(message, &place)? {
        Content::None => Vec::new(),
        Content::Text(text) => vec![text],
        Content::Parts(parts) => {
            let mut texts = Vec::new();
            for (number, part) in parts.iter().enumerate() {
                match part.kind.as_deref() {
                    Some("text" | "input_text" | "output_text") => {
                        texts.push(text(part.text, &format!("{place}[{number}].text"))?);
                    }
                    Some("refusal") => texts.push(text(part.refusal, &format!("{place}[{number}].refusal"))?),
                    // Google does not want the text of thoughts back.
                    Some("thinking" | "redacted_thinking" | "reasoning") => {}
                    other => {
                        return Err(unknown_kind(other, "'text' and 'refusal'", &format!("{place}[{number}].type")));
                    }
                }
            }
            texts
        }
    };
    if let Some(refusal) = message.refusal.filter(|raw| Shape::of(raw) == Shape::String) {
        texts.push(text(Some(refusal), &format!("messages[{index}].refusal"))?);
    }
    texts.retain(|text| !text.is_empty());
    Ok(texts)
}

/// The parts of a user's message.
///
/// # Errors
/// 400, naming the part.
pub fn read<'a>(
    message: &'a Message<'a>,
    index: usize,
    target: &'a Target<'_>,
) -> Result<Vec<gemini::Part<'a>>, Error> {
    let place = format!("messages[{index}].content");
    match content(message, &place)? {
        Content::None => Ok(Vec::new()),
        Content::Text(text) if text.is_empty() => Ok(Vec::new()),
        Content::Text(text) => Ok(vec![gemini::Part::text(text)]),
        Content::Parts(parts) => {
            let mut read = Vec::with_capacity(parts.len());
            for (number, part) in parts.into_iter().enumerate() {
                read.extend(one(part, &format!("{place}[{number}]"), target)?);
            }
            Ok(read)
        }
    }
}

/// The content of a tool's message.
///
/// # Errors
/// 400, naming the part.
pub fn result<'a>(message: &'a Message<'a>, index: usize, target: &'a Target<'_>) -> Result<ToolResult<'a>, Error> {
    let mut result = ToolResult::default();
    for part in read(message, index, target)? {
        match &part.data {
            Data::Text(text) => {
                if !result.text.is_empty() {
                    result.text.push('\n');
                }
                result.text.push_str(&text.decoded());
            }
            _ => result.media.push(part),
        }
    }
    Ok(result)
}

/// Files that the messages name by URL and that are not Google's. What is wrong with a message is said when it is translated.
pub fn remote_files(messages: &[Message<'_>]) -> Vec<RemoteFile> {
    let mut files = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let may = |raw: &&RawValue| {
            let found = |word: &[u8]| memchr::memmem::find(raw.get().as_bytes(), word).is_some();
            Shape::of(raw) == Shape::Array && found(b"_url\"") && found(b"http")
        };
        let parts = message.content.filter(may).and_then(|raw| serde_json::from_str::<Vec<Part<'_>>>(raw.get()).ok());
        for (number, part) in parts.iter().flatten().enumerate() {
            let kinds = [("image_url", part.image_url), ("video_url", part.video_url)];
            for (kind, raw) in kinds.into_iter().filter_map(|(kind, raw)| Some((kind, raw?))) {
                let url = media_url(Some(raw), "").ok().and_then(|media| decode(media.url?).map(Cow::into_owned));
                if let Some(url) = url.filter(|url| media::is_remote(url)) {
                    files.push(RemoteFile { param: format!("messages[{index}].content[{number}].{kind}.url"), url });
                }
            }
        }
    }
    files
}

enum Content<'a> {
    None,
    Text(Text<'a>),
    Parts(Vec<Part<'a>>),
}

fn content<'a>(message: &'a Message<'a>, place: &str) -> Result<Content<'a>, Error> {
    let Some(raw) = message.content else { return Ok(Content::None) };
    match Shape::of(raw) {
        Shape::Null => Ok(Content::None),
        Shape::String => text(Some(raw), place).map(Content::Text),
        Shape::Array => nested(raw, place).map(Content::Parts),
        shape => {
            let message = format!(
                "Invalid type for '{place}': expected one of a string or array of objects, but got {} instead.",
                shape.name()
            );
            Err(Error::invalid(message).param(place).code("invalid_type"))
        }
    }
}

/// One part; none when it holds nothing.
fn one<'a>(part: Part<'a>, place: &str, target: &'a Target<'_>) -> Result<Option<gemini::Part<'a>>, Error> {
    let refuse = |field: &str, why: String| {
        Error::invalid(format!("Invalid '{place}.{field}': it {why}.")).param(format!("{place}.{field}"))
    };
    match part.kind.as_deref() {
        Some("text" | "input_text") => {
            let text = text(part.text, &format!("{place}.text"))?;
            Ok((!text.is_empty()).then(|| gemini::Part::text(text)))
        }
        Some(kind @ ("image_url" | "video_url")) => {
            let raw = if kind == "image_url" { part.image_url } else { part.video_url };
            let MediaUrl { url, detail } = media_url(raw, &format!("{place}.{kind}"))?;
            let field = format!("{kind}.url");
            let url = string(url, |why| refuse(&field, why))?;
            let data = if media::is_remote(&url) {
                remote(&url, target).map_err(|why| refuse(&field, why).code("invalid_image_url"))?
            } else {
                by_url(url, |why| refuse(&field, why))?
            };
            let mut part = gemini::Part::from(data);
            part.media_resolution = resolution(detail.as_deref(), &format_args!("{place}.{kind}.detail"), target);
            Ok(Some(part))
        }
        Some("input_audio") => {
            let audio = part.input_audio.unwrap_or_default();
            let refuse = |why| refuse("input_audio.data", why);
            let data = string(audio.data, refuse)?;
            let mime = format!("audio/{}", audio.format.as_deref().unwrap_or("wav"));
            inline_or_url(&mime, data, refuse).map(Some)
        }
        Some("file") => {
            let file = part.file.unwrap_or_default();
            if file.file_data.is_some() {
                let refuse = |why| refuse("file.file_data", why);
                let named = file.filename.as_deref().and_then(media::mime_by_name);
                inline_or_url(named.unwrap_or("application/pdf"), string(file.file_data, refuse)?, refuse).map(Some)
            } else {
                let id = file.file_id.ok_or_else(|| refuse("file", "needs `file_data` or `file_id`".into()))?;
                let known = media::by_id(&id).map(owned);
                known.map(|data| Some(data.into())).ok_or_else(|| {
                    refuse("file.file_id", "names no file at Google: `files/ID` or its full URI is expected".into())
                })
            }
        }
        Some("refusal") => {
            let text = text(part.refusal, &format!("{place}.refusal"))?;
            Ok((!text.is_empty()).then(|| gemini::Part::text(text)))
        }
        other => {
            let known = "'text', 'image_url', 'input_audio', 'file', 'video_url', and 'refusal'";
            Err(unknown_kind(other, known, &format!("{place}.type")))
        }
    }
}

/// The text of a JSON string; borrowed when there is no escape in it, as in all base64.
fn string<'a>(raw: Option<&'a RawValue>, refuse: impl Fn(String) -> Error) -> Result<Cow<'a, str>, Error> {
    raw.ok_or("is missing").and_then(|raw| decode(raw).ok_or("is no string")).map_err(|why| refuse(why.into()))
}

fn by_url<'a>(url: Cow<'a, str>, refuse: impl Fn(String) -> Error) -> Result<Data<'a>, Error> {
    match url {
        Cow::Borrowed(url) => media::by_url(url).map_err(refuse),
        Cow::Owned(url) => media::by_url(&url).map(owned).map_err(refuse),
    }
}

/// A file from elsewhere, as it was fetched.
fn remote<'a>(url: &str, target: &'a Target<'_>) -> Result<Data<'a>, String> {
    match target.files {
        Files::Fetched(files) => match files.get(url) {
            Some((mime_type, data)) => media::inline(mime_type, data),
            None => Err("was not fetched".into()),
        },
        Files::Described => Ok(Data::InlineData(gemini::Blob {
            mime_type: "image/*".into(),
            data: format!("(fetched from {url})").into(),
        })),
        Files::Refused => Err("must be a base64 `data:` URL: this server fetches no remote files unless its operator sets `media.remote = true`".into()),
    }
}

/// Bare base64 of this type, or a data URL that names its own.
fn inline_or_url<'a>(
    mime: &str,
    data: Cow<'a, str>,
    refuse: impl Fn(String) -> Error,
) -> Result<gemini::Part<'a>, Error> {
    if data.starts_with("data:") {
        return by_url(data, refuse).map(Into::into);
    }
    match data {
        Cow::Borrowed(data) => media::inline(mime, data).map(Into::into).map_err(refuse),
        Cow::Owned(data) => media::inline(mime, &data).map(|data| owned(data).into()).map_err(refuse),
    }
}

/// Cut loose from the text it was read from.
fn owned<'a>(data: Data<'_>) -> Data<'a> {
    match data {
        Data::InlineData(blob) => Data::InlineData(gemini::Blob {
            mime_type: blob.mime_type.into_owned().into(),
            data: blob.data.into_owned().into(),
        }),
        Data::FileData(file) => Data::FileData(gemini::FileData {
            mime_type: file.mime_type.map(|mime| mime.into_owned().into()),
            file_uri: file.file_uri.into_owned().into(),
        }),
        Data::Text(text) => Data::Text(text.decoded().into_owned().into()),
        Data::FunctionCall(_) | Data::FunctionResponse(_) => Data::Text("".into()),
    }
}

/// An object with `url`, or the URL alone, as some clients send it.
fn media_url<'a>(raw: Option<&'a RawValue>, place: &str) -> Result<MediaUrl<'a>, Error> {
    match raw {
        Some(raw) if Shape::of(raw) == Shape::String => Ok(MediaUrl { url: Some(raw), detail: None }),
        Some(raw) => nested(raw, place),
        None => Ok(MediaUrl::default()),
    }
}

/// How finely to look; per part only where the model takes it there, which the newer ones do.
fn resolution(detail: Option<&str>, place: &dyn Display, target: &Target<'_>) -> Option<MediaResolution> {
    let level = match detail? {
        "low" => "MEDIA_RESOLUTION_LOW",
        "high" => "MEDIA_RESOLUTION_HIGH",
        "original" => "MEDIA_RESOLUTION_ULTRA_HIGH",
        _ => return None,
    };
    if !target.model.facts.media_in_results {
        target.notes.dropped(place, "this model looks at all images alike");
        return None;
    }
    Some(MediaResolution { level })
}

/// A text, passed on as it is written. One with `\u` escapes is decoded once: half a surrogate pair is no text, and Google's
/// refusal would not say where it is.
fn text<'a>(raw: Option<&'a RawValue>, place: &str) -> Result<Text<'a>, Error> {
    let wrong =
        |what: &str| Error::invalid(format!("Invalid type for '{place}': expected a string, but got {what} instead."));
    let Some(raw) = raw else { return Err(wrong("nothing").param(place).code("missing_required_parameter")) };
    if Shape::of(raw) != Shape::String {
        return Err(wrong(Shape::of(raw).name()).param(place).code("invalid_type"));
    }
    let suspicious = memchr::memmem::find(raw.get().as_bytes(), br"\u").is_some();
    if suspicious && decode(raw).is_none() {
        let message = format!("Invalid '{place}': it holds half of a surrogate pair (a lone `\\ud800`–`\\udfff`).");
        return Err(Error::invalid(message).param(place).code("invalid_value"));
    }
    Ok(Text::Raw(raw))
}

/// Reads a raw value inside the body; a mistake is named by its full path.
pub fn nested<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue, place: &str) -> Result<T, Error> {
    serde_json::from_str(raw.get()).map_err(|_| {
        let mut reader = serde_json::Deserializer::from_str(raw.get());
        let (inner, reason) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Err(error) => (error.path().to_string(), document::reason(error.inner())),
            Ok(_) => (String::new(), "it cannot be read".to_owned()),
        };
        let param = match inner.as_str() {
            "" | "." => place.to_owned(),
            inner if inner.starts_with('[') => format!("{place}{inner}"),
            inner => format!("{place}.{inner}"),
        };
        Error::invalid(format!("Invalid type for '{param}': {reason}.")).param(param).code("invalid_type")
    })
}

fn unknown_kind(kind: Option<&str>, known: &str, param: &str) -> Error {
    match kind {
        Some(kind) => {
            let shown: String = kind.chars().take(64).collect();
            let message = format!("Invalid value: '{}'. Supported values are: {known}.", shown.escape_debug());
            Error::invalid(message).param(param).code("invalid_value")
        }
        None => {
            let message = format!("Missing required parameter: '{param}'.");
            Error::invalid(message).param(param).code("missing_required_parameter")
        }
    }
}
