//! A running server, as the commands that talk to one see it: over its admin endpoints.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{BAD_CONFIG, UNAVAILABLE, check, failed};
use crate::config::{Config, Sources, lenient};
use crate::environment::SecretRef;
use crate::problem::Problems;
use crate::reading::Reading;
use crate::secret::Digest;

/// A load compiles plugins and runs their tests; longer than this is no answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which server, and how to be let in.
#[derive(Debug, Args)]
pub struct RunningArgs {
    /// The server [default: where the configuration has it listen]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// An admin's key: `env:NAME` or `file:PATH` [default: the first of `auth.admin_keys`]
    #[arg(long, value_name = "SECRET")]
    admin_key: Option<String>,
}

/// Which server, and how to be let in as a client.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The server [default: where the configuration has it listen]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A client's key: `env:NAME` or `file:PATH` [default: the first of `auth.client_keys` and `[[clients]]`]
    #[arg(long, value_name = "SECRET")]
    client_key: Option<String>,
}

/// A running server, for one of its clients.
pub struct Door {
    /// Its URL.
    pub server: String,
    key: Option<String>,
    client: reqwest::Client,
}

impl ClientArgs {
    /// The door. Whether somebody is behind it shows when it is knocked at.
    ///
    /// # Errors
    /// When there is no HTTP client.
    pub fn door(&self, sources: &Sources) -> Result<Door, Failure> {
        let config = lenient(sources, &Reading::default());
        let (server, client) = reached(self.server.as_deref(), &config)?;
        let key = match &self.client_key {
            Some(given) => first(&SecretRef::parse(given), &config),
            None => client_key(&config),
        };
        Ok(Door { server, key, client })
    }
}

impl Door {
    /// A request to this path.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.server));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

/// The first key of the configuration by which a client may come in. A digest is none: what it was made of is not there.
fn client_key(config: &Config) -> Option<String> {
    let settings = &config.settings;
    let of_all = settings.auth.client_keys.iter().map(|entry| &entry.key);
    let named = settings.clients.iter().map(|client| &client.key);
    of_all.chain(named).filter_map(|key| first(key, config)).find(|key| Digest::read_sha256(key).is_none())
}

/// The first secret behind this.
fn first(reference: &SecretRef, config: &Config) -> Option<String> {
    let secrets = reference.resolve(&config.environment).ok()?;
    secrets.first().map(|secret| secret.expose().to_owned())
}

/// Why there is no answer.
pub enum Failure {
    /// Nobody answers.
    Absent(String),
    /// The answer is no.
    Refused(Problems),
    /// Something else, in words.
    Other(String),
}

/// A running server, for one of its admins.
pub struct AdminClient {
    /// Its URL.
    pub server: String,
    key: String,
    client: reqwest::Client,
}

impl RunningArgs {
    /// The admin. Whether somebody is in it shows when it is asked.
    ///
    /// # Errors
    /// When no key is configured.
    pub fn admin(&self, sources: &Sources) -> Result<AdminClient, Failure> {
        let config = lenient(sources, &Reading::default());
        let (server, client) = reached(self.server.as_deref(), &config)?;
        let key = self.key(&config).ok_or_else(|| {
            Failure::Other(
                "no admin key is configured: set SECURITY_ADMIN_API_KEYS, or give one by `--admin-key env:NAME`".into(),
            )
        })?;
        Ok(AdminClient { server, key, client })
    }

    /// Asks an admin endpoint.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn request(&self, sources: &Sources, method: reqwest::Method, path: &str) -> Result<Value, Failure> {
        let answer = self.admin(sources)?.request(method, path).await?;
        Ok(serde_json::from_slice(&answer.bytes().await.unwrap_or_default()).unwrap_or_default())
    }

    fn key(&self, config: &Config) -> Option<String> {
        match &self.admin_key {
            Some(given) => first(&SecretRef::parse(given), config),
            None => config.settings.auth.admin_keys.iter().find_map(|key| first(key, config)),
        }
    }
}

impl AdminClient {
    /// Asks, and answers with what begins to come.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn request(&self, method: reqwest::Method, path: &str) -> Result<reqwest::Response, Failure> {
        let server = &self.server;
        let request = self.client.request(method, format!("{server}{path}")).bearer_auth(&self.key);
        let answer = request.send().await.map_err(|_| Failure::Absent(server.clone()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap_or_default()).unwrap_or_default();
        match serde_json::from_value(body["problems"].clone()) {
            Ok(problems) => Err(Failure::Refused(problems)),
            Err(_) => {
                let message = body["error"]["message"].as_str().unwrap_or("it is no gemini-adapter, or an older one");
                Err(Failure::Other(format!("{server} answers {}: {message}", status.as_u16())))
            }
        }
    }
}

impl Failure {
    /// Says it, and which exit code it is.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Absent(server) => {
                eprintln!("{server}: nobody answers; is the server running? `--server URL` names another");
                ExitCode::from(UNAVAILABLE)
            }
            Self::Refused(problems) => {
                check::show(problems);
                eprintln!("refused: what is live stays live");
                ExitCode::from(BAD_CONFIG)
            }
            Self::Other(why) => failed(why),
        }
    }
}

/// The server that is meant, and what talks to it: the one that was named, or the configured one of this machine.
fn reached(named: Option<&str>, config: &Config) -> Result<(String, reqwest::Client), Failure> {
    let (server, client) = match named {
        Some(server) => (
            server.trim_end_matches('/').to_owned(),
            reqwest::Client::builder().no_proxy().read_timeout(PATIENCE).build(),
        ),
        None => (url(config), own().read_timeout(PATIENCE).build()),
    };
    Ok((server, client.map_err(|error| Failure::Other(error.to_string()))?))
}

/// What talks to the server that this machine's configuration describes. It is reached by an address that its certificate is not for,
/// and the way to it never leaves the machine: so its certificate is not judged, as nobody would be without TLS.
pub fn own() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true)
}

/// Where a configuration has the server listen; from here, a wildcard is loopback.
pub fn url(config: &Config) -> String {
    let listen = &config.settings.server.listen;
    url_at(config, &listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:"))
}

/// The same server at another address.
pub fn url_at(config: &Config, address: &str) -> String {
    let scheme = if config.settings.server.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{address}")
}

/// Why nobody answered, by the innermost reason.
pub fn reason(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}
