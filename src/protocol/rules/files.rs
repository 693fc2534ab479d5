//! Reads files from the fields of a request, for every dialect. Errors name the field.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::value::RawValue;

use super::media;
use crate::error::Error;
use crate::protocol::{Files, Target};
use crate::wire::gemini::request::{Blob, Data, FileData, MediaResolution};
use crate::wire::json::decode;

/// Reads a file by URL: inside the request, at Google, or fetched from elsewhere.
///
/// # Errors
/// 400, naming the field.
pub fn by_url<'a>(raw: Option<&'a RawValue>, field: &dyn Display, target: &'a Target<'_>) -> Result<Data<'a>, Error> {
    let url = string(raw, field)?;
    if media::is_remote(&url) {
        return remote(&url, target).map_err(|why| refused(field, &why).code("invalid_image_url"));
    }
    read_url(url, field)
}

/// Reads bare base64 of this media type, or a data URL that states its own.
///
/// # Errors
/// 400, naming the field.
pub fn inline<'a>(raw: Option<&'a RawValue>, mime: &str, field: &dyn Display) -> Result<Data<'a>, Error> {
    let data = string(raw, field)?;
    if data.starts_with("data:") {
        return read_url(data, field);
    }
    match data {
        Cow::Borrowed(data) => media::inline(mime, data).map_err(|why| refused(field, &why)),
        Cow::Owned(data) => media::inline(mime, &data).map(owned).map_err(|why| refused(field, &why)),
    }
}

/// Reads a file stored at Google.
///
/// # Errors
/// 400, naming the field.
pub fn by_id<'a>(id: &str, field: &dyn Display) -> Result<Data<'a>, Error> {
    let why = "names no file at Google: `files/ID` or its full URI is expected";
    media::by_id(id).map(owned).ok_or_else(|| refused(field, why))
}

/// Returns a 400 for a field that does not hold a usable file.
pub fn refused(field: &dyn Display, why: &str) -> Error {
    Error::invalid(format!("Invalid '{field}': it {why}.")).param(field.to_string())
}

/// Returns the URL if it references a file that is not stored at Google.
pub fn remote_url(raw: &RawValue) -> Option<String> {
    decode(raw).map(Cow::into_owned).filter(|url| media::is_remote(url))
}

/// Returns the media resolution. Only newer models accept it per part; for other models it is left out.
pub fn resolution(detail: Option<&str>, field: &dyn Display, target: &Target<'_>) -> Option<MediaResolution> {
    let level = match detail? {
        "low" => "MEDIA_RESOLUTION_LOW",
        "high" => "MEDIA_RESOLUTION_HIGH",
        "original" => "MEDIA_RESOLUTION_ULTRA_HIGH",
        _ => return None,
    };
    if !target.model.facts.media_in_results {
        target.notes.dropped(field, "this model has one image resolution");
        return None;
    }
    Some(MediaResolution { level })
}

/// Decodes a JSON string; borrows when there are no escapes, as in all base64.
fn string<'a>(raw: Option<&'a RawValue>, field: &dyn Display) -> Result<Cow<'a, str>, Error> {
    raw.ok_or("is missing").and_then(|raw| decode(raw).ok_or("is not a string")).map_err(|why| refused(field, why))
}

fn read_url<'a>(url: Cow<'a, str>, field: &dyn Display) -> Result<Data<'a>, Error> {
    match url {
        Cow::Borrowed(url) => media::by_url(url),
        Cow::Owned(url) => media::by_url(&url).map(owned),
    }
    .map_err(|why| refused(field, &why))
}

fn remote<'a>(url: &str, target: &'a Target<'_>) -> Result<Data<'a>, String> {
    match target.files {
        Files::Fetched(files) => match files.get(url) {
            Some((mime_type, data)) => media::inline(mime_type, data),
            None => Err("was not fetched".into()),
        },
        Files::Described => Ok(Data::InlineData(Blob {
            mime_type: "image/*".into(),
            data: format!("(fetched from {url})").into(),
        })),
        Files::Refused => Err("must be a base64 `data:` URL: this server fetches no remote files unless its operator sets `media.remote = true`".into()),
    }
}

/// Detaches the data from the text it was read from.
fn owned<'a>(data: Data<'_>) -> Data<'a> {
    match data {
        Data::InlineData(blob) => Data::InlineData(Blob {
            mime_type: blob.mime_type.into_owned().into(),
            data: blob.data.into_owned().into(),
        }),
        Data::FileData(file) => Data::FileData(FileData {
            mime_type: file.mime_type.map(|mime| mime.into_owned().into()),
            file_uri: file.file_uri.into_owned().into(),
        }),
        Data::Text(text) => Data::Text(text.decoded().into_owned().into()),
        Data::FunctionCall(_) | Data::FunctionResponse(_) => Data::Text("".into()),
    }
}
