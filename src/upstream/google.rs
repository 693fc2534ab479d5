//! The Gemini API over HTTP. The only code that knows its headers; `base_url` knows its URLs.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};

use super::UpstreamSettings;
use super::answer::{Answer, LARGEST_ANSWER, timeout_fault};
use super::base_url::BaseUrl;
use super::classify::classify;
use super::clients::{Client, Clients};
use super::connections::{ResponseBody, SendError};
use super::resource::ResourceAddress;
use crate::call::Call;
use crate::environment::{Environment, SecretRef};
use crate::fault::{Blame, Fault, Kind};
use crate::problem::Problems;
use crate::secret::{Digest, Secret};

/// The header for the key. The key is never put in a URL, because URLs turn up in error messages and logs.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-goog-api-key");
/// How much of an error body is read to classify it, in bytes.
const LARGEST_ERROR: usize = 1024 * 1024;

/// The client of the Gemini API. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client,
    /// The clients of keys that have a proxy of their own, by key digest.
    own: HashMap<Digest, Client>,
    pub(super) base: BaseUrl,
    settings: UpstreamSettings,
}

/// A model as Google lists it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Listed {
    /// `models/gemini-2.5-flash`.
    pub name: String,
    /// `generateContent`, `embedContent`, …
    pub supported_generation_methods: Vec<String>,
    /// Maximum prompt size, in tokens.
    pub input_token_limit: Option<u64>,
    /// Maximum answer size, in tokens.
    pub output_token_limit: Option<u64>,
}

impl Upstream {
    /// Builds the HTTP clients: a common one, and one for each proxy that keys have of their own. `own_proxies` yields
    /// key, proxy and setting name.
    pub fn prepare<'s>(
        settings: &UpstreamSettings,
        own_proxies: impl Iterator<Item = (&'s SecretRef, &'s SecretRef, String)>,
        environment: &Environment,
        problems: &mut Problems,
    ) -> Option<Self> {
        let base = BaseUrl::read(&settings.base_url, problems)?;
        let clients = Clients::new(settings, base.uri().ok()?, environment, problems)?;
        let client = clients.common(problems);
        let own = clients.of_keys(own_proxies, problems);
        Some(Self { client: client?, own, base, settings: settings.clone() })
    }

    /// The HTTP client for this key.
    pub(super) fn client(&self, key: &Secret) -> &Client {
        let own = if self.own.is_empty() { None } else { self.own.get(&key.digest()) };
        own.unwrap_or(&self.client)
    }

    /// Sends a call on this key and waits for the response headers.
    ///
    /// # Errors
    /// The fault, with its blame.
    pub async fn send(&self, call: &Call, key: &Secret, deadline: Instant) -> Result<Answer, Fault> {
        let first_byte = deadline.min(Instant::now() + self.settings.first_byte_timeout);
        let sent = self.client(key).send(self.request_of(call, key)?);
        let response = match timeout_at(first_byte, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(connection_fault(&error)),
            Err(_) => return Err(timeout_fault("Gemini did not begin to answer in time.")),
        };
        self.checked(response, key, deadline).await
    }

    fn request_of(&self, call: &Call, key: &Secret) -> Result<Request<Full<Bytes>>, Fault> {
        let mut request = build_request(Method::POST, self.base.of_call(call)?, key, call.body.clone())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// Lists the models this key may use.
    ///
    /// # Errors
    /// The fault, with its blame.
    pub async fn models(&self, key: &Secret, deadline: Instant) -> Result<Vec<Listed>, Fault> {
        #[derive(serde::Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Page {
            models: Vec<Listed>,
            next_page_token: Option<String>,
        }

        let mut models = Vec::new();
        let mut token: Option<String> = None;
        // Google lists about eighty models on one page. The bound guards against page tokens that never end.
        for _ in 0..20 {
            let mut query = vec![("pageSize".to_owned(), "1000".to_owned())];
            query.extend(token.take().map(|token| ("pageToken".to_owned(), token)));
            let place = ResourceAddress::Path(vec!["v1beta".to_owned(), "models".to_owned()], query);
            let request = build_request(Method::GET, self.base.of_resource(&place)?, key, Bytes::new())?;
            let response = match timeout_at(deadline, self.client(key).send(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return Err(connection_fault(&error)),
                Err(_) => return Err(timeout_fault("Gemini did not list its models in time.")),
            };
            let body = self.checked(response, key, deadline).await?.whole().await?;
            let page: Page = serde_json::from_slice(&body).map_err(|_| {
                Fault::new(Kind::BrokenAnswer, Blame::Endpoint, "Gemini's list of models cannot be read.")
            })?;
            models.extend(page.models);
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(models)
    }

    /// Reads a whole document of any content type. Any status but success is a fault.
    pub(super) async fn document(
        &self,
        response: Response<ResponseBody>,
        key: &Secret,
        deadline: Instant,
    ) -> Result<Bytes, Fault> {
        let status = response.status();
        let mut answer = Answer::begin(response, key, deadline, self.settings.idle_timeout);
        if status.is_success() {
            return answer.read(LARGEST_ANSWER).await;
        }
        let body = answer.read(LARGEST_ERROR).await.unwrap_or_default();
        Err(classify(status.as_u16(), &body, key))
    }

    /// Accepts an answer with status 200 and JSON or an event stream. Everything else is a fault.
    async fn checked(
        &self,
        response: Response<ResponseBody>,
        key: &Secret,
        deadline: Instant,
    ) -> Result<Answer, Fault> {
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_none_or(|kind| kind.contains("json") || kind.contains("event-stream"));
        let mut answer = Answer::begin(response, key, deadline, self.settings.idle_timeout);
        if status == 200 && is_json {
            return Ok(answer);
        }
        if status == 200 {
            let message = "Gemini's answer is not JSON, perhaps a web page. Check `upstream.base_url`.";
            return Err(Fault::new(Kind::BrokenAnswer, Blame::Endpoint, message));
        }
        // Boxed, because every good answer would have room for it.
        let body = Box::pin(async move { answer.read(LARGEST_ERROR).await }).await.unwrap_or_default();
        Err(classify(status, &body, key))
    }
}

/// Builds a request authenticated with this key.
pub(super) fn build_request(method: Method, to: Uri, key: &Secret, body: Bytes) -> Result<Request<Full<Bytes>>, Fault> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = to;
    request.headers_mut().insert(KEY_HEADER, sensitive(key)?);
    Ok(request)
}

fn sensitive(key: &Secret) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(key.expose())
        .map_err(|_| Fault::new(Kind::KeyInvalid, Blame::Key, "The key has characters that headers do not allow."))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn connection_fault(error: &SendError) -> Fault {
    let message = match error {
        SendError::Connect(_) => "No connection to Gemini could be made.",
        SendError::Broken(_) => "The connection to Gemini broke before it answered.",
    };
    tracing::debug!(error = %chain(error), "no answer from upstream");
    Fault::new(Kind::Unreachable, Blame::Endpoint, message)
}

/// An error and its causes, for the log. None of them contains an address or a header.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
