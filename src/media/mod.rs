//! Fetches files that requests refer to by URL, within limits: from public addresses only, and from hosts the operator
//! trusts.
//!
//! An address is checked where it is dialled (`dial.rs`). Redirects are followed here, not by the HTTP client, each as
//! strictly as the first URL.
//! Never: a cookie, a credential, a proxy; a reason for a failure that reaches the client that named the URL.

mod address;
mod dial;
mod settings;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use crate::problem::{Problem, Problems};
use crate::root_certificates;
use dial::{Dialler, Network, System, Trusted};
pub use settings::MediaSettings;

/// Maximum number of concurrent fetches, over all requests.
const AT_ONCE: usize = 16;
/// Maximum number of redirects per file.
const REDIRECTS: usize = 3;

/// Fetches remote files.
#[derive(Debug)]
pub struct Media {
    client: Client<HttpsConnector<Dialler>, Empty<Bytes>>,
    trusted: Trusted,
    settings: MediaSettings,
    at_once: Semaphore,
}

/// A fetched file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its MIME type, such as `image/png`.
    pub mime_type: String,
    /// Its content in base64.
    pub data: String,
}

impl Media {
    /// Validates the settings; problems are reported at `media…`.
    pub fn prepare(settings: &MediaSettings, problems: &mut Problems) -> Option<Self> {
        Self::over(Arc::new(System), settings, problems)
    }

    fn over(network: Arc<dyn Network>, settings: &MediaSettings, problems: &mut Problems) -> Option<Self> {
        for (name, value) in [("max_bytes", settings.max_bytes), ("per_request", settings.per_request)] {
            if value == 0 {
                problems.push(Problem::error("must be at least 1").at(format!("media.{name}")));
            }
        }
        if settings.timeout.is_zero() {
            problems.push(Problem::error("must be longer than 0s").at("media.timeout"));
        }
        let trusted = Trusted::new(&settings.trusted_hosts);
        let tls = match root_certificates::of_this_machine() {
            Ok(tls) => tls,
            Err(error) => {
                problems.push(Problem::error(format!("no TLS: {error}")).at("media"));
                return None;
            }
        };
        let dialler = Dialler { trusted: trusted.clone(), network };
        let connector = HttpsConnector::from((dialler, tls));
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Some(Self { client, trusted, settings: settings.clone(), at_once: Semaphore::new(AT_ONCE) })
    }

    /// Whether remote files are fetched at all.
    pub fn is_enabled(&self) -> bool {
        self.settings.remote
    }

    /// Maximum number of files per request.
    pub fn per_request(&self) -> usize {
        self.settings.per_request
    }

    /// What a URL must satisfy to be fetched, for a client whose URL was not.
    pub fn terms(&self) -> String {
        format!(
            "It must be at a public https URL, arrive within {} seconds, have at most {} bytes, and be an image, audio, video or PDF.",
            self.settings.timeout.as_secs_f64(),
            self.settings.max_bytes
        )
    }

    /// Fetches a file; None if that is not permitted or fails. The reason is only logged: a client learns nothing about
    /// this network.
    pub async fn fetch(&self, url: &str) -> Option<File> {
        let fetched = async {
            let _permit = self.at_once.acquire().await.map_err(|_| "closed".to_owned())?;
            self.follow(url).await
        };
        match timeout(self.settings.timeout, fetched).await {
            Ok(Ok(file)) => Some(file),
            Ok(Err(why)) => {
                tracing::debug!(why, "a remote file was not fetched");
                None
            }
            Err(_) => {
                tracing::debug!("fetching a remote file timed out");
                None
            }
        }
    }

    async fn follow(&self, url: &str) -> Result<File, String> {
        let mut url = Url::parse(url).map_err(|error| error.to_string())?;
        for _ in 0..=REDIRECTS {
            self.permit(&url)?;
            let uri = Uri::try_from(url.as_str()).map_err(|error| error.to_string())?;
            let request = Request::get(uri)
                .header(ACCEPT, "image/*,audio/*,video/*,application/pdf")
                .header(USER_AGENT, concat!("gemini-adapter/", env!("CARGO_PKG_VERSION")));
            let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
            let response = self.client.request(request).await.map_err(|error| error.to_string())?;
            if !response.status().is_redirection() {
                return self.read(response).await;
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.ok_or("no redirect target")?;
            url = url.join(location).map_err(|error| error.to_string())?;
        }
        Err("too many redirects".into())
    }

    /// Whether a URL of this form may be fetched; the addresses of its host are checked when it is dialled.
    fn permit(&self, url: &Url) -> Result<(), String> {
        let host = url.host_str().ok_or("no host")?;
        let port = url.port_or_known_default().unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL with credentials".into());
        }
        match url.scheme() {
            "https" | "http" if self.trusted.holds(host, port) => Ok(()),
            "https" if port != 443 => Err("a port other than 443".into()),
            "https" => Ok(()),
            other => Err(format!("`{other}` is not https")),
        }
    }

    async fn read<B>(&self, response: Response<B>) -> Result<File, String>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        if response.status() != 200 {
            return Err(format!("status {}", response.status()));
        }
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let most = self.settings.max_bytes;
        if text(CONTENT_LENGTH).parse().is_ok_and(|length: u64| length > most as u64) {
            return Err("too large".into());
        }
        let told = text(CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = Limited::new(response.into_body(), most).collect().await;
        let bytes = body.map_err(|error| error.to_string())?.to_bytes();
        // The detected type takes precedence over the declared one.
        let mime_type = sniff(&bytes).map_or(told, str::to_owned);
        let kind = mime_type.split('/').next().unwrap_or_default();
        if !matches!(kind, "image" | "audio" | "video") && mime_type != "application/pdf" {
            return Err(format!("`{}` is not a file type that models accept", mime_type.escape_debug()));
        }
        Ok(File { mime_type, data: STANDARD.encode(bytes) })
    }
}

/// Detects the type of a file from its first bytes.
fn sniff(bytes: &[u8]) -> Option<&'static str> {
    let starts: [(&[u8], &str); 8] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"ID3", "audio/mp3"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
    ];
    let by_start = starts.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| kind);
    by_start.or_else(|| match (bytes.get(..4), bytes.get(8..12)) {
        (Some(b"RIFF"), Some(b"WEBP")) => Some("image/webp"),
        (Some(b"RIFF"), Some(b"WAVE")) => Some("audio/wav"),
        _ => match (bytes.get(4..8), bytes.get(8..12)) {
            (Some(b"ftyp"), Some(b"heic" | b"heix")) => Some("image/heic"),
            (Some(b"ftyp"), Some(b"mif1" | b"msf1")) => Some("image/heif"),
            (Some(b"ftyp"), _) => Some("video/mp4"),
            _ => None,
        },
    })
}
