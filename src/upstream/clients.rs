//! The connections to Google: one client for all keys, and one for each proxy that keys have of their own.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::{Client, Proxy};

use super::UpstreamSettings;
use super::resolver::Resolver;
use crate::environment::{Environment, SecretRef};
use crate::problem::{Problem, Problems};
use crate::secret::Digest;

/// A client, through this proxy (and the setting it stands in) if there is one.
pub fn build(
    settings: &UpstreamSettings,
    resolver: &Resolver,
    proxy: Option<(&SecretRef, &str)>,
    environment: &Environment,
    problems: &mut Problems,
) -> Option<Client> {
    let mut builder = Client::builder()
        .connect_timeout(settings.connect_timeout)
        .dns_resolver(resolver.clone())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .user_agent(concat!("gemini-adapter/", env!("CARGO_PKG_VERSION")));
    if let Some((reference, place)) = proxy {
        let secret = reference.resolve(environment).ok().and_then(|secrets| secrets.into_iter().next());
        // The text may hold a password: the problem names the setting, never the value.
        match secret.and_then(|secret| Proxy::all(secret.expose()).ok()) {
            Some(proxy) => builder = builder.proxy(proxy),
            None => problems.push(
                Problem::error("is no proxy URL")
                    .at(place)
                    .hint("write `http://host:port`, `https://…` or `socks5://…`, or leave it out"),
            ),
        }
    }
    match builder.build() {
        Ok(client) => Some(client),
        Err(error) => {
            problems.push(Problem::error(format!("no HTTP client: {}", error.without_url())).at("upstream"));
            None
        }
    }
}

/// The clients of keys that have a proxy of their own, by key. Keys with the same proxy share its connections.
pub fn of_keys<'s>(
    settings: &UpstreamSettings,
    resolver: &Resolver,
    proxies: impl Iterator<Item = (&'s SecretRef, &'s SecretRef, String)>,
    environment: &Environment,
    problems: &mut Problems,
) -> HashMap<Digest, Client> {
    let mut built: Vec<(&SecretRef, Client)> = Vec::new();
    let mut of_keys = HashMap::new();
    for (key, proxy, place) in proxies {
        let known = built.iter().find(|(other, _)| *other == proxy).map(|(_, client)| client.clone());
        let Some(client) = known.or_else(|| build(settings, resolver, Some((proxy, &place)), environment, problems))
        else {
            continue;
        };
        built.push((proxy, client.clone()));
        // A key that cannot be read is told of by its pool.
        let keys = key.resolve(environment).unwrap_or_default();
        of_keys.extend(keys.iter().map(|key| (key.digest(), client.clone())));
    }
    of_keys
}
