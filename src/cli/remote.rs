//! A running server, as seen by the commands that talk to it over its HTTP endpoints.

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

/// Read timeout. A reload compiles plugins and runs their tests, which takes time.
const PATIENCE: Duration = Duration::from_secs(120);

/// The server, and an admin's key for it.
#[derive(Debug, Args)]
pub struct RunningArgs {
    /// The URL of the server [default: the address the configuration listens on]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// An admin key: `env:NAME` or `file:PATH` [default: the first of `auth.admin_keys`]
    #[arg(long, value_name = "SECRET")]
    admin_key: Option<String>,
}

/// The server, and a client's key for it.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The URL of the server [default: the address the configuration listens on]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A client key: `env:NAME` or `file:PATH` [default: the first of `auth.client_keys` and `[[clients]]`]
    #[arg(long, value_name = "SECRET")]
    client_key: Option<String>,
}

/// A connection to a running server with a client's key.
pub struct ClientConnection {
    /// Its URL.
    pub server: String,
    key: Option<String>,
    client: reqwest::Client,
}

impl ClientArgs {
    /// Creates the connection. No request is sent yet, so the server may turn out not to run.
    ///
    /// # Errors
    /// Fails if no HTTP client can be created.
    pub fn connect(&self, sources: &Sources) -> Result<ClientConnection, Failure> {
        let config = lenient(sources, &Reading::default());
        let (server, client) = reached(self.server.as_deref(), &config)?;
        let key = match &self.client_key {
            Some(given) => first(&SecretRef::parse(given), &config),
            None => client_key(&config),
        };
        Ok(ClientConnection { server, key, client })
    }
}

impl ClientConnection {
    /// Builds a request to this path.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.server));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

/// Returns the first client key in the configuration that can be used. Digests are skipped, because the key cannot be
/// derived from them.
fn client_key(config: &Config) -> Option<String> {
    let settings = &config.settings;
    let of_all = settings.auth.client_keys.iter().map(|entry| &entry.key);
    let named = settings.clients.iter().map(|client| &client.key);
    of_all.chain(named).filter_map(|key| first(key, config)).find(|key| Digest::read_sha256(key).is_none())
}

/// Returns the first secret that the reference resolves to.
fn first(reference: &SecretRef, config: &Config) -> Option<String> {
    let secrets = reference.resolve(&config.environment).ok()?;
    secrets.first().map(|secret| secret.expose().to_owned())
}

/// Why a request failed.
pub enum Failure {
    /// No server answers at this URL.
    Unreachable(String),
    /// The server rejected the configuration.
    Refused(Problems),
    /// Any other reason.
    Other(String),
}

/// A connection to a running server with an admin's key.
pub struct AdminClient {
    /// Its URL.
    pub server: String,
    key: String,
    client: reqwest::Client,
}

impl RunningArgs {
    /// Creates the connection. No request is sent yet, so the server may turn out not to run.
    ///
    /// # Errors
    /// Fails if no admin key is configured.
    pub fn admin(&self, sources: &Sources) -> Result<AdminClient, Failure> {
        let config = lenient(sources, &Reading::default());
        let (server, client) = reached(self.server.as_deref(), &config)?;
        let key = self.key(&config).ok_or_else(|| {
            Failure::Other(
                "no admin key is configured: set SECURITY_ADMIN_API_KEYS, or pass `--admin-key env:NAME`".into(),
            )
        })?;
        Ok(AdminClient { server, key, client })
    }

    /// Sends a request to an admin endpoint and returns the JSON body.
    ///
    /// # Errors
    /// Returns why there is no usable answer.
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
    /// Sends a request and returns the answer once its headers have arrived.
    ///
    /// # Errors
    /// Returns why there is no usable answer.
    pub async fn request(&self, method: reqwest::Method, path: &str) -> Result<reqwest::Response, Failure> {
        let server = &self.server;
        let request = self.client.request(method, format!("{server}{path}")).bearer_auth(&self.key);
        let answer = request.send().await.map_err(|_| Failure::Unreachable(server.clone()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap_or_default()).unwrap_or_default();
        match serde_json::from_value(body["problems"].clone()) {
            Ok(problems) => Err(Failure::Refused(problems)),
            Err(_) => {
                let message =
                    body["error"]["message"].as_str().unwrap_or("it is not a gemini-adapter, or an older version");
                Err(Failure::Other(format!("{server} answers {}: {message}", status.as_u16())))
            }
        }
    }
}

impl Failure {
    /// Prints the failure and returns its exit code.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Unreachable(server) => {
                eprintln!("{server} does not answer; is the server running? `--server URL` selects another");
                ExitCode::from(UNAVAILABLE)
            }
            Self::Refused(problems) => {
                check::show(problems);
                eprintln!("rejected: the live configuration is unchanged");
                ExitCode::from(BAD_CONFIG)
            }
            Self::Other(why) => failed(why),
        }
    }
}

/// Returns the URL of the server and an HTTP client for it: the named server, or the one configured on this machine.
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

/// Creates an HTTP client for the server configured on this machine. Its certificate is not verified: it is not
/// issued for the loopback address, and the connection does not leave the machine.
pub fn own() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true)
}

/// Returns the URL of the configured listener; a wildcard address is replaced by loopback.
pub fn url(config: &Config) -> String {
    let listen = &config.settings.server.listen;
    url_at(config, &listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:"))
}

/// Returns the URL of the same server at another address.
pub fn url_at(config: &Config, address: &str) -> String {
    let scheme = if config.settings.server.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{address}")
}

/// Returns the innermost reason of a failed request.
pub fn reason(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}
