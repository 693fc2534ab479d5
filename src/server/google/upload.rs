//! File uploads to Google by its resumable protocol: a start request, whose answer names the upload URL, and the pieces
//! sent to it.
//!
//! The client gets a URL of this server that stands for Google's. It contains an unguessable token, and needs no key,
//! as at Google.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use uuid::Uuid;

use super::{App, Caller, KeyChoice, RequestId, ResourceHandler, answer};
use crate::clients::Client;
use crate::error::Error;
use crate::pipeline::owner;
use crate::protocol::gemini;
use crate::server::respond::json;
use crate::store::{FILES_KEPT, Owner, UPLOADS_KEPT};
use crate::upstream::{ResourceAddress, ResourceRequest};

const API: &str = "gemini_uploads";
const UPLOAD_URL: HeaderName = HeaderName::from_static("x-goog-upload-url");
const STATUS: HeaderName = HeaderName::from_static("x-goog-upload-status");
const RECEIVED: HeaderName = HeaderName::from_static("x-goog-upload-size-received");
const GRANULARITY: HeaderName = HeaderName::from_static("x-goog-upload-chunk-granularity");
const PROTOCOL: HeaderName = HeaderName::from_static("x-goog-upload-protocol");

/// Protocol headers that are forwarded: these to Google, `BACK` to the client.
const THERE: &[&str] = &[
    "x-goog-upload-protocol",
    "x-goog-upload-command",
    "x-goog-upload-offset",
    "x-goog-upload-header-content-length",
    "x-goog-upload-header-content-type",
];
const BACK: [HeaderName; 3] = [STATUS, RECEIVED, GRANULARITY];

/// `POST /upload/v1beta/files`.
pub async fn begin(
    State(app): State<App>,
    caller: Caller,
    Extension(id): Extension<RequestId>,
    uri: Uri,
    headers: HeaderMap,
    content: Body,
) -> Response {
    answer(app, caller, id, &uri, API, async |asker| {
        let body = asker.read(content, &headers).await?;
        asker.begin_upload(&headers, body).await
    })
    .await
}

/// `POST /upload/v1beta/files/{token}`.
pub async fn piece(
    State(app): State<App>,
    Extension(id): Extension<RequestId>,
    Path(token): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    content: Body,
) -> Response {
    let key = format!("uploads/{token}");
    let Some(upload) = app.services.owners.of(&key).await else {
        return Error::not_found("No such upload is in progress. Start it again.").into_response();
    };
    let snapshot = app.live.snapshot();
    let mut client = Client::anonymous();
    upload.client.clone_into(&mut client.name);
    answer(app, Caller { client: client.into(), snapshot }, id, &uri, API, async |asker| {
        let body = asker.read(content, &headers).await?;
        asker.add_piece(&key, &upload, &headers, body).await
    })
    .await
}

impl ResourceHandler {
    async fn begin_upload(&self, headers: &HeaderMap, body: Bytes) -> Result<Response, Error> {
        if headers.get(PROTOCOL).is_none_or(|protocol| protocol != "resumable") {
            return Err(Error::invalid(
                "Only resumable uploads are supported: start with `X-Goog-Upload-Protocol: resumable`, as Google's SDKs do.",
            ));
        }
        let path = ["upload", "v1beta", "files"].map(str::to_owned).to_vec();
        let place = ResourceAddress::Path(path, self.query.clone());
        let resource = ResourceRequest { method: Method::POST, place, headers: request_headers(headers), body };
        let (fetched, mut owner) = self.make(&*self.pool()?, &resource).await?;
        let named = fetched.headers.get(UPLOAD_URL).and_then(|url| url.to_str().ok());
        let named =
            named.ok_or_else(|| Error::unavailable("upstream_error", "Gemini did not return an upload URL."))?;
        named.clone_into(&mut owner.url);
        let token = Uuid::new_v4().simple().to_string();
        self.app.services.owners.keep(&format!("uploads/{token}"), &owner, UPLOADS_KEPT);
        let mut response = json(StatusCode::OK, Bytes::new());
        copy_headers(&fetched.headers, response.headers_mut());
        let place = HeaderValue::from_str(&format!("{}/upload/v1beta/files/{token}", origin(headers)));
        let place = place.map_err(|_| Error::invalid("The header `Host` does not name a host."))?;
        response.headers_mut().insert(UPLOAD_URL, place);
        Ok(response)
    }

    async fn add_piece(&self, key: &str, upload: &Owner, headers: &HeaderMap, body: Bytes) -> Result<Response, Error> {
        let (pool, _) = owner::find(&self.snapshot, &self.app.services, &self.client.name, key, &self.pool()?).await?;
        let mut going = request_headers(headers);
        // The piece is file content, not JSON.
        going.push((CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")));
        let place = ResourceAddress::Named(upload.url.clone());
        let resource = ResourceRequest { method: Method::POST, place, headers: going, body };
        let (fetched, _) = self.run(KeyChoice::Owner(&pool), &resource).await?;
        if fetched.headers.get(STATUS).is_some_and(|status| status == "final") {
            self.app.services.owners.forget(key);
            if let Some(name) = gemini::name_in(&fetched.body, Some("file")) {
                let owner = Owner { url: String::new(), ..upload.clone() };
                self.app.services.owners.keep(&name, &owner, FILES_KEPT);
            }
        }
        let mut response = json(StatusCode::OK, fetched.body);
        copy_headers(&fetched.headers, response.headers_mut());
        Ok(response)
    }
}

fn request_headers(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let one = |name: &&'static str| Some((HeaderName::from_static(name), headers.get(*name)?.clone()));
    THERE.iter().filter_map(one).collect()
}

fn copy_headers(from: &HeaderMap, into: &mut HeaderMap) {
    for name in BACK {
        if let Some(value) = from.get(&name) {
            into.insert(name, value.clone());
        }
    }
}

/// The origin under which the client reached this server, as far as its headers say.
fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    let host = text("x-forwarded-host").or_else(|| text(HOST.as_str())).unwrap_or_default();
    format!("{scheme}://{host}")
}
