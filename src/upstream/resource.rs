//! Resource requests to Google: lists, files, cached contents. One request, one document in return.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::{Instant, timeout_at};

use super::answer::timeout_fault;
use super::google::{Upstream, build_request, connection_fault};
use crate::fault::Fault;
use crate::secret::Secret;

/// A resource request.
#[derive(Clone, Debug)]
pub struct ResourceRequest {
    /// `GET`, `POST`, `PATCH`, `DELETE`.
    pub method: Method,
    /// The address.
    pub place: ResourceAddress,
    /// Additional headers, used for uploads.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; may be empty.
    pub body: Bytes,
}

/// The address of a resource request.
#[derive(Clone, Debug)]
pub enum ResourceAddress {
    /// A path, in segments (`["v1beta", "files", "x"]`), and query parameters.
    Path(Vec<String>, Vec<(String, String)>),
    /// An upload URL that Google returned. Only its path and query are used.
    Named(String),
}

/// The response.
#[derive(Clone, Debug)]
pub struct ResourceAnswer {
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Upstream {
    /// Runs a resource request on this key.
    ///
    /// # Errors
    /// The fault, with its blame.
    pub async fn run(
        &self,
        resource: &ResourceRequest,
        key: &Secret,
        deadline: Instant,
    ) -> Result<ResourceAnswer, Fault> {
        let (to, body) = (self.base.of_resource(&resource.place)?, resource.body.clone());
        let mut request = build_request(resource.method.clone(), to, key, body)?;
        for (name, value) in &resource.headers {
            request.headers_mut().append(name, value.clone());
        }
        if !resource.body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().entry(CONTENT_TYPE).or_insert(json);
        }
        let response = match timeout_at(deadline, self.client(key).send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(connection_fault(&error)),
            Err(_) => return Err(timeout_fault("Gemini did not answer in time.")),
        };
        let headers = response.headers().clone();
        let body = self.document(response, key, deadline).await?;
        Ok(ResourceAnswer { headers, body })
    }
}
