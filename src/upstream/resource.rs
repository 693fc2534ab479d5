//! What is asked of Google beside a model: lists, files, cached contents. One document goes, one comes back.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::{Instant, timeout_at};

use super::google::{Upstream, build_request, connection_fault, late};
use crate::fault::Fault;
use crate::secret::Secret;

/// Something to be asked.
#[derive(Clone, Debug)]
pub struct ResourceRequest {
    /// `GET`, `POST`, `PATCH`, `DELETE`.
    pub method: Method,
    /// Where.
    pub place: ResourceAddress,
    /// Headers that go along: those of uploads.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What goes along.
    pub body: Bytes,
}

/// Where something is asked.
#[derive(Clone, Debug)]
pub enum ResourceAddress {
    /// At this path, in segments, with these pairs of a query: `["v1beta", "files", "x"]`.
    Path(Vec<String>, Vec<(String, String)>),
    /// At a URL that Google has named for an upload.
    Named(String),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct ResourceAnswer {
    /// The headers.
    pub headers: HeaderMap,
    /// The document.
    pub body: Bytes,
}

impl Upstream {
    /// Runs an resource on this key.
    ///
    /// # Errors
    /// What went wrong, and whose fault it is.
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
            Err(_) => return Err(late("Gemini did not answer in time.")),
        };
        let headers = response.headers().clone();
        let body = self.document(response, key, deadline).await?;
        Ok(ResourceAnswer { headers, body })
    }
}
