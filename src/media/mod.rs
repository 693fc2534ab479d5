//! Files that requests name by URL, fetched within limits: from public addresses only, and from hosts the operator trusts.
//!
//! An address is looked at where it is dialled: what a name leads to is vetted as it is resolved, the connection goes to just
//! those addresses, and whoever answered is looked at once more. Redirects are followed by hand, each as strictly as the first.
//! Never: a cookie, a credential, a proxy; a word about why, to whoever named the URL.

mod address;
mod settings;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, redirect};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::{Host, Url};

use crate::problem::{Problem, Problems};
use address::is_public;
pub use settings::MediaSettings;

/// Files that are fetched at once, by all requests together.
const AT_ONCE: usize = 16;
/// How often one may be sent elsewhere.
const REDIRECTS: usize = 3;

/// What fetches them.
#[derive(Debug)]
pub struct Media {
    client: Client,
    settings: MediaSettings,
    at_once: Semaphore,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its type: `image/png`.
    pub mime_type: String,
    /// Its bytes in base64.
    pub data: String,
}

impl Media {
    /// Checks the settings; problems are at `media…`.
    pub fn prepare(settings: &MediaSettings, problems: &mut Problems) -> Option<Self> {
        for (name, value) in [("max_bytes", settings.max_bytes), ("per_request", settings.per_request)] {
            if value == 0 {
                problems.push(Problem::error("must be at least 1").at(format!("media.{name}")));
            }
        }
        if settings.timeout.is_zero() {
            problems.push(Problem::error("must be longer than nothing").at("media.timeout"));
        }
        let trusted: Arc<[String]> = settings.trusted_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(Vetted(trusted)))
            .connect_timeout(settings.timeout.min(Duration::from_secs(5)))
            .pool_max_idle_per_host(0)
            .user_agent(concat!("gemini-adapter/", env!("CARGO_PKG_VERSION")))
            .build();
        match client {
            Ok(client) => Some(Self { client, settings: settings.clone(), at_once: Semaphore::new(AT_ONCE) }),
            Err(error) => {
                problems.push(Problem::error(format!("no HTTP client: {}", error.without_url())).at("media"));
                None
            }
        }
    }

    /// Whether files are fetched at all.
    pub fn is_enabled(&self) -> bool {
        self.settings.remote
    }

    /// Most files of one request.
    pub fn per_request(&self) -> usize {
        self.settings.per_request
    }

    /// What a URL must be to be fetched, for whoever named one that was not.
    pub fn terms(&self) -> String {
        format!(
            "It must be at a public https address, be there within {} seconds, be at most {} bytes, and be an image, sound, video or PDF.",
            self.settings.timeout.as_secs_f64(),
            self.settings.max_bytes
        )
    }

    /// Fetches a file; None when it may not be, or cannot be. Why is in the log only: a client learns nothing of this network.
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
                tracing::debug!("a remote file was not there in time");
                None
            }
        }
    }

    async fn follow(&self, url: &str) -> Result<File, String> {
        let mut url = Url::parse(url).map_err(|error| error.to_string())?;
        for _ in 0..=REDIRECTS {
            let trusted = self.permit(&url)?;
            let request = self.client.get(url.clone()).header(ACCEPT, "image/*,audio/*,video/*,application/pdf");
            let response = request.send().await.map_err(|error| error.without_url().to_string())?;
            let peer = response.remote_addr().map(|address| address.ip());
            if !trusted && !peer.is_some_and(is_public) {
                return Err("the address that answered is not public".into());
            }
            if !response.status().is_redirection() {
                return self.read(response).await;
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.ok_or("a redirect to nowhere")?;
            url = url.join(location).map_err(|error| error.to_string())?;
        }
        Err("redirected too often".into())
    }

    /// Whether a URL may be fetched, and whether its host is the operator's own. Addresses in the URL itself are never
    /// resolved, so they are looked at here.
    fn permit(&self, url: &Url) -> Result<bool, String> {
        let host = url.host().ok_or("no host")?;
        let name = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let with_port = format!("{name}:{}", url.port_or_known_default().unwrap_or_default());
        let trusted = self.settings.trusted_hosts.iter().any(|own| {
            let own = own.to_ascii_lowercase();
            own == name || own == with_port
        });
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL with credentials".into());
        }
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::from(address)),
            Host::Ipv6(address) => Some(IpAddr::from(address)),
        };
        match url.scheme() {
            "https" | "http" if trusted => Ok(true),
            "https" if url.port_or_known_default() != Some(443) => Err("a port that is not 443".into()),
            "https" if literal.is_some_and(|address| !is_public(address)) => {
                Err("an address that is not public".into())
            }
            "https" => Ok(false),
            other => Err(format!("`{other}` is not https")),
        }
    }

    async fn read(&self, mut response: Response) -> Result<File, String> {
        if response.status() != 200 {
            return Err(format!("status {}", response.status()));
        }
        let most = self.settings.max_bytes;
        if response.content_length().is_some_and(|length| length > most as u64) {
            return Err("too large".into());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
            if bytes.len() + chunk.len() > most {
                return Err("too large".into());
            }
            bytes.extend_from_slice(&chunk);
        }
        let told = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let told = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // What it is counts for more than what it is called.
        let mime_type = sniff(&bytes).map_or(told, str::to_owned);
        let kind = mime_type.split('/').next().unwrap_or_default();
        if !matches!(kind, "image" | "audio" | "video") && mime_type != "application/pdf" {
            return Err(format!("`{}` is no type of file for a model", mime_type.escape_debug()));
        }
        Ok(File { mime_type, data: STANDARD.encode(bytes) })
    }
}

/// Resolves names to addresses that may be dialled: public ones, unless the operator trusts the host.
#[derive(Debug)]
struct Vetted(Arc<[String]>);

impl Resolve for Vetted {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_ascii_lowercase();
        let trusted = self.0.iter().any(|own| own.split(':').next() == Some(&host));
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((host, 0)).await?.collect();
            // One bad address among good ones is a trick, not an accident.
            if !trusted && !found.iter().all(|address| is_public(address.ip())) {
                return Err(io::Error::other("the name leads to an address that is not public").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The type of a file, by how it begins.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn media(trusted: &[&str]) -> Media {
        let trusted_hosts = trusted.iter().map(|&host| host.to_owned()).collect();
        let settings = MediaSettings { remote: true, trusted_hosts, ..MediaSettings::default() };
        Media::prepare(&settings, &mut Problems::new()).unwrap()
    }

    #[test]
    fn where_a_url_may_lead() {
        let media = media(&["images.internal", "10.0.0.7:8080"]);
        for (url, permitted) in [
            ("https://example.org/a.png", Some(false)),
            ("https://8.8.8.8/a.png", Some(false)),
            ("https://[2606:4700::1111]/a.png", Some(false)),
            ("http://images.internal/a.png", Some(true)),
            ("https://IMAGES.internal:8443/a.png", Some(true)),
            ("http://10.0.0.7:8080/a.png", Some(true)),
            ("http://10.0.0.7/a.png", None),
            ("http://example.org/a.png", None),
            ("https://example.org:8443/a.png", None),
            ("https://user:password@example.org/a.png", None),
            ("https://127.0.0.1/", None),
            ("https://127.1/", None),
            ("https://0x7f.1/", None),
            ("https://2130706433/", None),
            ("https://0177.0.0.1/", None),
            ("https://[::1]/", None),
            ("https://[::ffff:127.0.0.1]/", None),
            ("https://[::ffff:a9fe:a9fe]/", None),
            ("https://[64:ff9b::7f00:1]/", None),
            ("https://[2002:7f00:1::]/", None),
            ("https://[fd00::1]/", None),
            ("https://169.254.169.254/latest/meta-data", None),
            ("https://10.0.0.1/", None),
            ("ftp://example.org/a.png", None),
            ("file:///etc/passwd", None),
            ("gopher://example.org/", None),
            ("data:image/png;base64,AAAA", None),
        ] {
            assert_eq!(media.permit(&Url::parse(url).unwrap()).ok(), permitted, "{url}");
        }
    }

    #[tokio::test]
    async fn names_that_lead_home_are_not_resolved() {
        let vetted = Vetted(Arc::new([]));
        assert!(vetted.resolve("localhost".parse().unwrap()).await.is_err());
        let trusting = Vetted(Arc::new(["localhost".to_owned()]));
        assert!(trusting.resolve("localhost".parse().unwrap()).await.is_ok());
    }

    #[test]
    fn types_by_their_beginnings() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some("image/png")),
            (b"RIFF....WEBPVP8 ", Some("image/webp")),
            (b"RIFF....WAVEfmt ", Some("audio/wav")),
            (b"....ftypheic....", Some("image/heic")),
            (b"....ftypisom....", Some("video/mp4")),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(sniff(bytes), kind);
        }
    }
}
