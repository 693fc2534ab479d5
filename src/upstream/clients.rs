//! HTTP clients for Google: one shared by all keys, and one for each proxy that keys have of their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::ClientConfig;

use super::UpstreamSettings;
use super::connection_pool::ConnectionPool;
use super::connections::{Connections, ResponseBody, SendError};
use super::connector::{self, Connector, ProxyRoute};
use super::resolver::Resolver;
use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems};
use crate::root_certificates;
use crate::secret::Digest;

/// How long a request must have waited for its answer to begin, at least, for the connection to be doubted when the
/// request is given up. Clients leave earlier too, and then it means nothing.
const DOUBT: Duration = Duration::from_secs(10);

const OURSELVES: HeaderValue = HeaderValue::from_static(concat!("gemini-adapter/", env!("CARGO_PKG_VERSION")));

/// A pool of connections that take the same route. Clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    connections: ConnectionPool,
    /// The proxy credentials to send with each request, if the proxy forwards requests itself.
    credentials: Option<HeaderValue>,
}

impl Client {
    /// Sends a request and waits for the response headers.
    ///
    /// # Errors
    /// When no connection can be made, or it breaks before the headers arrive.
    pub fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, SendError>> + Send {
        request.headers_mut().insert(USER_AGENT, OURSELVES);
        if let Some(credentials) = &self.credentials {
            request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        self.connections.send(request)
    }
}

/// Builds the clients of one configuration.
pub struct Clients<'s> {
    settings: &'s UpstreamSettings,
    base: Uri,
    environment: &'s Environment,
    resolver: Resolver,
    /// TLS for the connection to a proxy (HTTP/1.1), and for the one to Google, which may also use HTTP/2.
    tls: [Arc<ClientConfig>; 2],
}

impl<'s> Clients<'s> {
    /// Uses the root certificates of this machine.
    pub fn new(
        settings: &'s UpstreamSettings,
        base: Uri,
        environment: &'s Environment,
        problems: &mut Problems,
    ) -> Option<Self> {
        match root_certificates::of_this_machine() {
            Ok(tls) => {
                let mut newer = ClientConfig::clone(&tls);
                newer.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
                let tls = [tls, Arc::new(newer)];
                Some(Self { settings, base, environment, resolver: Resolver::default(), tls })
            }
            Err(error) => {
                problems.push(
                    Problem::error(format!("no TLS is possible: {error}"))
                        .at("upstream")
                        .hint("install the CA certificates of your system (package `ca-certificates`), or name a file of them in `SSL_CERT_FILE`"),
                );
                None
            }
        }
    }

    /// The client of keys that have no proxy of their own.
    pub fn common(&self, problems: &mut Problems) -> Option<Client> {
        match &self.settings.proxy {
            Some(proxy) => self.through(proxy, "upstream.proxy", problems),
            None => Some(self.client(Matcher::from_env().intercept(&self.base).as_ref())),
        }
    }

    /// The clients of keys that have a proxy of their own, by key digest. Takes triples of key, proxy and setting name.
    /// Keys with the same proxy share its connections.
    pub fn of_keys<'k>(
        &self,
        proxies: impl Iterator<Item = (&'k SecretRef, &'k SecretRef, String)>,
        problems: &mut Problems,
    ) -> HashMap<Digest, Client> {
        let mut built: Vec<(&SecretRef, Client)> = Vec::new();
        let mut of_keys = HashMap::new();
        for (key, proxy, place) in proxies {
            let known = built.iter().find(|(other, _)| *other == proxy).map(|(_, client)| client.clone());
            let Some(client) = known.or_else(|| self.through(proxy, &place, problems)) else { continue };
            built.push((proxy, client.clone()));
            // The pool reports keys that cannot be read.
            let keys = key.resolve(self.environment).unwrap_or_default();
            of_keys.extend(keys.iter().map(|key| (key.digest(), client.clone())));
        }
        of_keys
    }

    /// A client that uses this proxy, which is configured in the setting `place`.
    fn through(&self, proxy: &SecretRef, place: &str, problems: &mut Problems) -> Option<Client> {
        let secret = proxy.resolve(self.environment).ok().and_then(|secrets| secrets.into_iter().next());
        let proxy = secret.and_then(|secret| Matcher::builder().all(secret.expose()).build().intercept(&self.base));
        let known = |proxy: &Intercept| {
            matches!(proxy.uri().scheme_str(), Some("http" | "https" | "socks5" | "socks5h"))
                && proxy.uri().host().is_some_and(|host| !host.is_empty())
        };
        let Some(proxy) = proxy.filter(known) else {
            // The text may contain a password, so the problem names the setting, never the value.
            problems.push(
                Problem::error("is not a proxy URL")
                    .at(place)
                    .hint("write `http://host:port`, `https://…` or `socks5://…`, or leave it out"),
            );
            return None;
        };
        Some(self.client(Some(&proxy)))
    }

    fn client(&self, proxy: Option<&Intercept>) -> Client {
        let tcp = connector::tcp(self.resolver.clone());
        let [with_proxy, with_google] = &self.tls;
        let way = ProxyRoute::to(&self.base, proxy, tcp, with_proxy);
        let connector = Connector::new(way, with_google.clone(), self.settings.connect_timeout);
        let server = self.base.clone();
        let connections = move |kept| Connections::to(&server, connector.clone(), kept);
        // Half of the time allowed: a request that is given up when all of it is over has certainly waited that long.
        let patience = DOUBT.min(self.settings.first_byte_timeout / 2);
        Client {
            connections: ConnectionPool::of(patience, connections),
            credentials: ProxyRoute::credentials(&self.base, proxy),
        }
    }
}
