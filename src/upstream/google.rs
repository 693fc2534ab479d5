//! The Gemini API over HTTP. The only code that knows its headers; `base_url` knows its URLs.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::time::{Instant, timeout_at};

use super::UpstreamSettings;
use super::base_url::BaseUrl;
use super::classify::{classify, classify_event};
use super::clients::{Client, Clients};
use super::connections::{ResponseBody, SendError};
use super::resource::ResourceAddress;
use crate::call::Call;
use crate::environment::{Environment, SecretRef};
use crate::fault::{Blame, Fault, Kind};
use crate::problem::Problems;
use crate::secret::{Digest, Secret};
use crate::timer::Timer;
use crate::wire::sse::{self, Event};

/// The header for the key. The key is never put in a URL, because URLs turn up in error messages and logs.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-goog-api-key");
/// How much of an error body is read to classify it, in bytes.
const LARGEST_ERROR: usize = 1024 * 1024;
/// Bytes that count as progress even without a complete event, as within the event of an image. Fewer might be an
/// endless trickle.
const PROGRESS: usize = 64 * 1024;
/// Largest whole answer, in bytes: enough for an image or two.
const LARGEST_ANSWER: usize = 256 * 1024 * 1024;

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
        let mut request = build_request(Method::POST, self.base.of_call(call)?, key, call.body.clone())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let first_byte = deadline.min(Instant::now() + self.settings.first_byte_timeout);
        let response = match timeout_at(first_byte, self.client(key).send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(connection_fault(&error)),
            Err(_) => return Err(timeout_fault("Gemini did not begin to answer in time.")),
        };
        self.checked(response, key, deadline).await
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

    fn answer(&self, response: Response<ResponseBody>, key: &Secret, deadline: Instant) -> Answer {
        let now = Instant::now();
        Answer {
            body: response.into_body(),
            key: key.clone(),
            deadline,
            idle: self.settings.idle_timeout,
            latest: now,
            arrived: now,
            trickled: 0,
            timer: None,
            events: sse::Decoder::default(),
            over: None,
        }
    }

    /// Reads a whole document of any content type. Any status but success is a fault.
    pub(super) async fn document(
        &self,
        response: Response<ResponseBody>,
        key: &Secret,
        deadline: Instant,
    ) -> Result<Bytes, Fault> {
        let status = response.status();
        let mut answer = self.answer(response, key, deadline);
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
        let mut answer = self.answer(response, key, deadline);
        if status == 200 && is_json {
            return Ok(answer);
        }
        let body = answer.read(LARGEST_ERROR).await.unwrap_or_default();
        if status == 200 {
            let message = "Gemini's answer is not JSON, perhaps a web page. Check `upstream.base_url`.";
            return Err(Fault::new(Kind::BrokenAnswer, Blame::Endpoint, message));
        }
        Err(classify(status, &body, key))
    }
}

/// A successful answer being received. Dropping it closes the connection or HTTP/2 stream, so Google stops generating.
#[derive(Debug)]
pub struct Answer {
    body: ResponseBody,
    key: Secret,
    deadline: Instant,
    idle: Duration,
    /// When the last bytes arrived.
    latest: Instant,
    /// When the last complete event, or an amount of data that counts as progress, arrived.
    arrived: Instant,
    /// Bytes received since then that have not completed an event.
    trickled: usize,
    /// The timer for the next event; set once a stream is read.
    timer: Option<Timer>,
    events: sse::Decoder,
    /// Set when nothing more will arrive: a proper end, or the fault that ended it.
    over: Option<Result<(), Fault>>,
}

impl Answer {
    /// Returns the whole body.
    ///
    /// # Errors
    /// When it breaks off, takes too long, or turns out to be an error.
    pub async fn whole(mut self) -> Result<Bytes, Fault> {
        let body = self.read(LARGEST_ANSWER).await?;
        if is_error(&body) {
            return Err(classify_event(&body, &self.key));
        }
        Ok(body)
    }

    /// The next event of a stream; None at its end.
    ///
    /// # Errors
    /// When the stream breaks off, falls silent, or turns out to hold an error.
    pub async fn event(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(event) = self.ready_event()? {
                return Ok(Some(event));
            }
            if let Some(end) = &self.over {
                return end.clone().map(|()| None);
            }
            // Counted from the last event, not from now: the caller may have cancelled this wait and started again.
            let until = self.deadline.min(self.arrived + self.idle);
            let arrived = self.timer.get_or_insert_with(|| Timer::at(until)).until(until, chunk(&mut self.body)).await;
            match arrived {
                Some(arrived) => self.take(arrived),
                None => self.over = Some(Err(timeout_fault("Gemini's stream stalled."))),
            }
        }
    }

    /// Returns an event that has already arrived, without waiting.
    ///
    /// # Errors
    /// When it is an error, or not an event.
    pub fn ready_event(&mut self) -> Result<Option<Bytes>, Fault> {
        let ended = matches!(self.over, Some(Ok(())));
        match self.events.next().or_else(|| if ended { self.events.finish() } else { None }) {
            Some(Event::Data(data)) if is_error(&data) => Err(classify_event(&data, &self.key)),
            Some(Event::Data(data)) => {
                self.progressed();
                Ok(Some(data))
            }
            Some(Event::Stray(text)) if is_error(&text) => Err(classify_event(&text, &self.key)),
            Some(Event::Stray(_)) => {
                let message = "Gemini's stream contains an invalid event.";
                Err(Fault::new(Kind::BrokenAnswer, Blame::Model, message))
            }
            None => Ok(None),
        }
    }

    /// Takes in bytes that have already arrived, without waiting, so that several events can be sent in one write.
    /// Returns whether there were any.
    pub fn take_ready(&mut self) -> bool {
        if self.over.is_some() {
            return false;
        }
        let ready = chunk(&mut self.body).now_or_never();
        ready.map(|arrived| self.take(arrived)).is_some()
    }

    /// When the last event arrived.
    pub fn arrived(&self) -> std::time::Instant {
        self.arrived.into_std()
    }

    fn take(&mut self, arrived: hyper::Result<Option<Bytes>>) {
        self.latest = Instant::now();
        match arrived {
            Ok(Some(chunk)) => {
                self.trickled += chunk.len();
                if self.trickled >= PROGRESS {
                    self.progressed();
                }
                if self.events.push(chunk).is_err() {
                    self.over = Some(Err(too_large()));
                }
            }
            Ok(None) => self.over = Some(Ok(())),
            Err(error) => self.over = Some(Err(broken_off(&error))),
        }
    }

    fn progressed(&mut self) {
        (self.arrived, self.trickled) = (self.latest, 0);
    }

    async fn read(&mut self, limit: usize) -> Result<Bytes, Fault> {
        let announced = self.body.size_hint().exact();
        let mut body = BytesMut::new();
        loop {
            let until = self.deadline.min(Instant::now() + self.idle);
            match timeout_at(until, chunk(&mut self.body)).await {
                // A body that arrives in one piece is not copied.
                Ok(Ok(Some(chunk))) if body.is_empty() && announced == Some(chunk.len() as u64) => return Ok(chunk),
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > limit => return Err(too_large()),
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(error)) => return Err(broken_off(&error)),
                Err(_) => return Err(timeout_fault("Gemini's answer did not arrive in time.")),
            }
        }
    }
}

/// The next chunk of the body; None at its end.
async fn chunk(body: &mut ResponseBody) -> hyper::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        // Ignore trailers.
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Whether a document is Google's error object, bare or in an array, rather than an answer.
fn is_error(document: &[u8]) -> bool {
    let inner = document.trim_ascii_start();
    let inner = inner.strip_prefix(b"[").unwrap_or(inner).trim_ascii_start();
    inner.strip_prefix(b"{").is_some_and(|inner| inner.trim_ascii_start().starts_with(br#""error""#))
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

fn broken_off(error: &hyper::Error) -> Fault {
    tracing::debug!(error = %chain(error), "an upstream answer was cut off");
    Fault::new(Kind::Truncated, Blame::Endpoint, "The connection to Gemini broke in the middle of the answer.")
}

/// An error and its causes, for the log. None of them contains an address or a header.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

pub(super) fn timeout_fault(message: &str) -> Fault {
    Fault::new(Kind::Timeout, Blame::Model, message)
}

fn too_large() -> Fault {
    Fault::new(Kind::BrokenAnswer, Blame::Model, "Gemini's answer is larger than this server accepts.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_answers() {
        for (document, error) in [
            (r#"{"error":{}}"#, true),
            ("[{\n  \"error\": {}", true),
            (" { \"error\" : {", true),
            (r#"{"candidates":[{"error":1}]}"#, false),
            ("", false),
        ] {
            assert_eq!(is_error(document.as_bytes()), error, "{document}");
        }
    }
}
