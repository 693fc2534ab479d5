//! Files inside and outside of a request: data URLs, base64, files stored at Google.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::wire::gemini::request::{Blob, Data, FileData};
use crate::wire::openai::form::File;

/// Image types that Gemini accepts (ai.google.dev/gemini-api/docs/image-understanding, November 2026).
const IMAGES: &[&str] = &["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"];

/// URLs that Google fetches itself.
const GOOGLES: &[&str] =
    &["https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/", "gs://"];

/// Whether a URL references a file that Google does not fetch itself.
pub fn is_remote(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https")) && !GOOGLES.iter().any(|start| url.starts_with(start))
}

/// Reads a file by URL. `data:` URLs are inlined; files at Google and YouTube are passed by reference. An error message
/// completes a sentence that begins with the field's name.
///
/// # Errors
/// When it is neither, or Gemini does not accept its media type.
pub fn by_url<'a>(url: &'a str) -> Result<Data<'a>, String> {
    if let Some((scheme, rest)) = url.split_at_checked(5)
        && scheme.eq_ignore_ascii_case("data:")
    {
        return data_url(rest).map(Data::InlineData);
    }
    if GOOGLES.iter().any(|start| url.starts_with(start)) {
        return Ok(file(url));
    }
    Err("must be a base64 `data:` URL".into())
}

/// Reads a file at Google by id or URI; returns None when it is neither.
pub fn by_id(id: &str) -> Option<Data<'_>> {
    if id.starts_with("https://generativelanguage.googleapis.com/") {
        return Some(file(id));
    }
    let name = id.strip_prefix("files/")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!name.is_empty() && name.chars().all(allowed)).then(|| {
        let uri = format!("https://generativelanguage.googleapis.com/v1beta/files/{name}");
        Data::FileData(FileData { mime_type: None, file_uri: uri.into() })
    })
}

fn file(uri: &str) -> Data<'_> {
    Data::FileData(FileData { mime_type: None, file_uri: uri.into() })
}

/// Parses what follows `data:`.
fn data_url(rest: &str) -> Result<Blob<'_>, String> {
    let (header, payload) = rest.split_once(',').ok_or("is a `data:` URL without a comma")?;
    let mut fields = header.split(';').map(str::trim);
    let mime = fields.next().unwrap_or_default().to_ascii_lowercase();
    let data = if fields.any(|field| field.eq_ignore_ascii_case("base64")) {
        base64_text(payload)?
    } else {
        percent_decoded(payload)?.into()
    };
    let mime = if mime.is_empty() { sniff(&data).ok_or("names no media type")?.to_owned() } else { mime };
    blob(mime, data)
}

/// Reads base64 of this media type.
///
/// # Errors
/// Same as [`by_url`].
pub fn inline<'a>(mime: &str, payload: &'a str) -> Result<Data<'a>, String> {
    blob(mime.to_ascii_lowercase(), base64_text(payload)?).map(Data::InlineData)
}

/// Reads a file of a form, which must be of this kind (`image/`, `audio/`). Its media type is taken from the form, or
/// else from its name or its first bytes.
///
/// # Errors
/// 400, naming the field.
pub fn of_form<'a>(file: &'a File<'_>, place: &str, kind: &str) -> Result<Data<'a>, Error> {
    let told = file.content_type.split(';').next().unwrap_or_default().trim();
    let told = Some(told).filter(|told| !told.is_empty() && *told != "application/octet-stream");
    let mime = told.or_else(|| mime_by_name(&file.filename)).or_else(|| sniff(&file.data));
    let wrong =
        |why: &str| Error::invalid(format!("Invalid '{place}': the file {why}.")).param(place).code("invalid_file");
    let mime = mime.ok_or_else(|| wrong("has no media type, and neither its name nor its content shows one"))?;
    if !mime.to_ascii_lowercase().starts_with(kind) {
        return Err(wrong(&format!("is `{}`; a type that begins with `{kind}` is expected", shown(mime))));
    }
    inline(mime, &file.data).map_err(|why| wrong(&why))
}

fn blob(mime: String, data: Cow<'_, str>) -> Result<Blob<'_>, String> {
    let mime = if mime == "image/jpg" { "image/jpeg".to_owned() } else { mime };
    if data.is_empty() {
        return Err("holds no data".into());
    }
    if mime.starts_with("image/") && !IMAGES.contains(&mime.as_str()) {
        return Err(format!("is `{}`, which Gemini does not accept; use {}", shown(&mime), IMAGES.join(", ")));
    }
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c);
    match mime.split_once('/') {
        Some((kind, sub)) if !kind.is_empty() && !sub.is_empty() && kind.chars().chain(sub.chars()).all(token) => {
            Ok(Blob { mime_type: mime.into(), data })
        }
        _ => Err(format!("has no valid media type: `{}`", shown(&mime))),
    }
}

/// Normalizes base64: drops white space, and converts the URL-safe alphabet to the standard one. The data is not
/// decoded; Google does that.
fn base64_text(payload: &str) -> Result<Cow<'_, str>, String> {
    let clean = payload.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    let text: Cow<'_, str> = if clean {
        payload.into()
    } else {
        let mapped = payload.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        });
        mapped.collect::<String>().into()
    };
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let alphabet = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    if !alphabet || body.len() % 4 == 1 || padding > 2 {
        return Err("is not valid base64".into());
    }
    Ok(text)
}

fn percent_decoded(payload: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(payload.len());
    let mut rest = payload.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                _ => return Err("is a `data:` URL with a broken `%` escape".into()),
            },
            other => other,
        });
    }
    Ok(STANDARD.encode(bytes))
}

/// Returns the media type of an image or a PDF, based on how its base64 begins.
fn sniff(data: &str) -> Option<&'static str> {
    [("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("UklGR", "image/webp"), ("JVBERi", "application/pdf")]
        .into_iter()
        .find_map(|(start, mime)| data.starts_with(start).then_some(mime))
}

/// Returns the media type that belongs to a file's extension.
pub fn mime_by_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "txt" | "md" | "log" | "rs" | "toml" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "xml" => "text/xml",
        "json" => "application/json",
        "py" => "text/x-python",
        "js" => "text/javascript",
        "css" => "text/css",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "wav" => "audio/wav",
        "mp3" => "audio/mp3",
        "flac" => "audio/flac",
        "ogg" => "audio/ogg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        _ => return None,
    })
}

fn shown(mime: &str) -> String {
    mime.chars().take(64).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<(String, String), String> {
        by_url(url).map(|data| match data {
            Data::InlineData(blob) => (blob.mime_type.into_owned(), blob.data.into_owned()),
            Data::FileData(file) => ("file".into(), file.file_uri.into_owned()),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn data_urls_as_they_come() {
        for (url, mime, data) in [
            ("data:image/jpg;base64,/9j/4AAQ\n SkZJRg==", "image/jpeg", "/9j/4AAQSkZJRg=="),
            ("DATA:image/png;charset=utf-8;base64,iVBORw0KGgo=", "image/png", "iVBORw0KGgo="),
            ("data:;base64,iVBORw0KGgo=", "image/png", "iVBORw0KGgo="),
            ("data:image/webp;base64,-_-_", "image/webp", "+/+/"),
            ("data:text/plain,a%20b", "text/plain", "YSBi"),
            (
                "https://generativelanguage.googleapis.com/v1beta/files/abc",
                "file",
                "https://generativelanguage.googleapis.com/v1beta/files/abc",
            ),
        ] {
            assert_eq!(parsed(url), Ok((mime.into(), data.into())), "{url}");
        }
    }

    #[test]
    fn types_by_names() {
        for (name, expected) in [
            ("talk.2026.WEBM", Some("video/webm")),
            ("clip.mov", Some("video/quicktime")),
            ("notes.md", Some("text/plain")),
            ("archive.zip", None),
            ("README", None),
        ] {
            assert_eq!(mime_by_name(name), expected, "{name}");
        }
    }

    #[test]
    fn files_at_google_by_id() {
        let uri = |id| match by_id(id)? {
            Data::FileData(file) => Some(file.file_uri.into_owned()),
            other => panic!("{other:?}"),
        };
        let full = "https://generativelanguage.googleapis.com/v1beta/files/abc-1";
        for (id, expected) in
            [("files/abc-1", Some(full)), (full, Some(full)), ("files/", None), ("files/a/b", None), ("file-abc", None)]
        {
            assert_eq!(uri(id).as_deref(), expected, "{id}");
        }
    }

    #[test]
    fn bad_ones_are_refused() {
        for url in [
            "data:image/gif;base64,AAAA",
            "data:image/png;base64",
            "data:image/png;base64,",
            "data:image/png;base64,a",
            "data:image/png;base64,a=b=",
            "data:image/png;base64,é===",
            "data:;base64,AAAA",
            "data:i/m/g;base64,AAAA",
            "data:text/plain,%zz",
            "data:a b/c;base64,AAAA",
            "http://localhost:1/",
            "https://example.org/x.png",
            "x",
            "",
        ] {
            assert!(parsed(url).is_err(), "{url}");
        }
    }
}
