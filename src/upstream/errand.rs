//! What is asked of Google beside a model: lists, files, cached contents. One document goes, one comes back.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Url;
use tokio::time::{Instant, timeout_at};

use super::google::{KEY_HEADER, Upstream, connection_fault, late, push_segments, sensitive};
use crate::fault::Fault;
use crate::secret::Secret;

/// Something to be asked.
#[derive(Clone, Debug)]
pub struct Errand {
    /// `GET`, `POST`, `PATCH`, `DELETE`.
    pub method: Method,
    /// Where.
    pub place: Where,
    /// Headers that go along: those of uploads.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What goes along.
    pub body: Bytes,
}

/// Where something is asked.
#[derive(Clone, Debug)]
pub enum Where {
    /// At this path, in segments, with these pairs of a query: `["v1beta", "files", "x"]`.
    Path(Vec<String>, Vec<(String, String)>),
    /// At a URL that Google has named for an upload.
    Named(String),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The headers.
    pub headers: HeaderMap,
    /// The document.
    pub body: Bytes,
}

impl Upstream {
    /// Runs an errand on this key.
    ///
    /// # Errors
    /// What went wrong, and whose fault it is.
    pub async fn run(&self, errand: &Errand, key: &Secret, deadline: Instant) -> Result<Fetched, Fault> {
        let mut request = self.client(key).request(errand.method.clone(), self.place(&errand.place));
        request = request.header(KEY_HEADER, sensitive(key)?);
        for (name, value) in &errand.headers {
            request = request.header(name, value);
        }
        if !errand.headers.iter().any(|(name, _)| name == CONTENT_TYPE) && !errand.body.is_empty() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let response = match timeout_at(deadline, request.body(errand.body.clone()).send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(connection_fault(error)),
            Err(_) => return Err(late("Gemini did not answer in time.")),
        };
        let headers = response.headers().clone();
        let body = self.document(response, key, deadline).await?;
        Ok(Fetched { headers, body })
    }

    fn place(&self, place: &Where) -> Url {
        let mut url = self.base.clone();
        match place {
            Where::Path(segments, query) => {
                push_segments(&mut url, segments.iter().map(String::as_str));
                if !query.is_empty() {
                    url.query_pairs_mut().extend_pairs(query);
                }
            }
            // Only its path and query: the key goes nowhere but to where it always goes.
            Where::Named(named) => {
                if let Ok(named) = Url::parse(named) {
                    push_segments(&mut url, named.path_segments().into_iter().flatten());
                    url.set_query(named.query());
                }
            }
        }
        url
    }
}
