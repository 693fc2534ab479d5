//! Files: uploaded in one or several chunks with Google's resumable protocol; everything else is the same for all
//! [resources](super::resources).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::failure::{Failure, failure, invalid};
use super::http::{State, act_on, value_of};
use super::resources::Kind;
use super::storage::ends_in;
use super::{shape, transmit};

/// The files.
pub const FILES: Kind = Kind { name: "files", page: 100 };
/// How long Google keeps a file, in seconds.
const KEPT: i64 = 48 * 3600;

/// Uploads in progress, by id.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<HashMap<String, Upload>>);

#[derive(Debug)]
struct Upload {
    key: String,
    size: usize,
    about: Value,
    received: Vec<u8>,
}

/// `POST /upload/v1beta/files`: starts an upload, or adds a chunk to it.
pub async fn upload(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response<Body> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let outcome = match value_of(query.as_deref(), "upload_id") {
        // The upload id replaces the key.
        Some(id) => piece(&state, id, text("x-goog-upload-command"), text("x-goog-upload-offset"), &body),
        None => act_on(&state, &headers, query.as_deref(), "files.upload", &body)
            .and_then(|key| begin(&state, &key, &headers, &body)),
    };
    outcome.unwrap_or_else(|failure| transmit::failed(&failure, false, false))
}

fn begin(state: &State, key: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response<Body>, Failure> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if (text("x-goog-upload-protocol"), text("x-goog-upload-command")) != ("resumable", "start") {
        return Err(invalid("Invalid upload request: only resumable uploads are taken here."));
    }
    let size = text("x-goog-upload-header-content-length").parse::<usize>();
    let Ok(size) = size else { return Err(invalid("Invalid upload request: the content length is missing.")) };
    let asked = if body.is_empty() { json!({}) } else { serde_json::from_slice(body).unwrap_or_default() };
    let asked = shape::check("CreateFileRequest", &asked)?;
    let mut about = json!({ "mimeType": text("x-goog-upload-header-content-type"), "sizeBytes": size.to_string() });
    if let Some(name) = asked["file"].get("displayName") {
        about["displayName"] = name.clone();
    }
    let mut uploads = state.uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
    let named = |number| format!("standin-upload-{number}");
    let id = (uploads.len() + 1..).map(named).find(|id| !uploads.contains_key(id)).unwrap_or_default();
    let host = text("host");
    let url = format!("http://{host}/upload/v1beta/files?upload_id={id}&upload_protocol=resumable");
    uploads.insert(id, Upload { key: key.to_owned(), size, about, received: Vec::new() });
    let mut response = Response::new(Body::empty());
    for (name, value) in [
        ("x-goog-upload-url", url.as_str()),
        ("x-goog-upload-control-url", url.as_str()),
        ("x-goog-upload-status", "active"),
        ("x-goog-upload-chunk-granularity", "8388608"),
    ] {
        header(&mut response, name, value);
    }
    Ok(response)
}

fn piece(state: &State, id: &str, command: &str, offset: &str, body: &[u8]) -> Result<Response<Body>, Failure> {
    let mut uploads = state.uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
    let gone = || failure(404, "Upload not found.", Vec::new());
    let upload = uploads.get_mut(id).ok_or_else(gone)?;
    let commands: Vec<&str> = command.split(',').map(str::trim).collect();
    let mut response = Response::new(Body::empty());
    if commands.contains(&"upload") {
        if offset.parse() != Ok(upload.received.len()) {
            return Err(invalid(format!("Invalid upload offset: expected {}.", upload.received.len())));
        }
        upload.received.extend_from_slice(body);
    }
    if !commands.contains(&"finalize") {
        header(&mut response, "x-goog-upload-status", "active");
        header(&mut response, "x-goog-upload-size-received", &upload.received.len().to_string());
        return Ok(response);
    }
    if upload.received.len() != upload.size {
        return Err(invalid(format!("Upload of {} bytes ended after {}.", upload.size, upload.received.len())));
    }
    let Some(Upload { key, mut about, .. }) = uploads.remove(id) else { return Err(gone()) };
    about["expirationTime"] = json!(ends_in(KEPT));
    about["state"] = json!("ACTIVE");
    about["source"] = json!("UPLOADED");
    let mut file = state.storage.put(FILES.name, &key, about);
    let name = file["name"].as_str().unwrap_or_default().to_owned();
    file["uri"] = json!(format!("https://generativelanguage.googleapis.com/v1beta/{name}"));
    let file = state.storage.replace(&name, &key, file)?;
    let mut response = transmit::document(&json!({ "file": file }));
    header(&mut response, "x-goog-upload-status", "final");
    Ok(response)
}

fn header(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
