//! Checks of the connections to Google and Redis. Google is contacted without a key, because any answer proves that
//! it is reachable.

use std::time::Duration;

use jiff::Timestamp;
use tokio::net::lookup_host;
use tokio::time::timeout;
use url::Url;

use super::Finding;
use crate::cli::remote;
use crate::config::Config;
use crate::store::redis_is_there;

const PATIENCE: Duration = Duration::from_secs(8);
/// Maximum clock difference in seconds. A larger one leads to wrong decisions about certificates and daily quotas.
const SKEW_S: i64 = 60;

/// Checks name resolution, the connection and the clock.
pub async fn google(config: &Config) -> Vec<Finding> {
    let base = &config.settings.upstream.base_url;
    let Ok(url) = Url::parse(base) else { return Vec::new() };
    let (host, port) = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or(443));
    let mut findings = Vec::new();
    if goes_straight(config) {
        match timeout(PATIENCE, lookup_host((host.as_str(), port))).await {
            Ok(Ok(addresses)) => {
                findings.push(Finding::good("names", format!("{host}: {} addresses", addresses.count())))
            }
            Ok(Err(error)) => {
                let fix = "check /etc/resolv.conf; in a container, its DNS settings";
                return vec![Finding::bad("names", format!("cannot resolve {host}: {error}"), fix)];
            }
            Err(_) => {
                return vec![Finding::bad("names", format!("resolving {host} timed out"), "check /etc/resolv.conf")];
            }
        }
    }
    let answer = match client(config) {
        Ok(client) => client.get(format!("{}/v1beta/models", base.trim_end_matches('/'))).send().await,
        Err(why) => return vec![Finding::bad("upstream", why, "correct `upstream.proxy`")],
    };
    match answer {
        Ok(answer) => {
            findings.push(Finding::good("upstream", format!("{base} answers")));
            let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
            findings.extend(date.and_then(|date| clock(date, Timestamp::now())));
        }
        Err(error) => findings.push(unreachable(base, &error)),
    }
    findings
}

/// Returns whether requests go to Google without a proxy, so that names are resolved on this machine.
fn goes_straight(config: &Config) -> bool {
    let proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    config.settings.upstream.proxy.is_none() && proxies.iter().all(|name| config.environment.get(name).is_none())
}

fn client(config: &Config) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder().timeout(PATIENCE);
    if let Some(proxy) = &config.settings.upstream.proxy
        && let Some(address) = proxy.resolve(&config.environment)?.first()
    {
        let proxy = reqwest::Proxy::all(address.expose()).map_err(|_| "`upstream.proxy` is not a URL".to_owned())?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| format!("cannot load certificates: {error}"))
}

/// Describes a failed connection by its innermost reason.
fn unreachable(base: &str, error: &reqwest::Error) -> Finding {
    let reason = remote::reason(error);
    let lower = reason.to_lowercase();
    let fix = if lower.contains("certificate") || lower.contains("issuer") {
        "install the CA certificates (package `ca-certificates`), or those of a TLS-intercepting proxy; check the clock"
    } else if error.is_timeout() {
        "a firewall may drop outgoing traffic; if you need a proxy, set `upstream.proxy`"
    } else {
        "check the network, or set `upstream.proxy`"
    };
    Finding::bad("upstream", format!("{base} does not answer: {reason}"), fix)
}

/// Compares this machine's clock with Google's.
fn clock(date: &str, now: Timestamp) -> Option<Finding> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let apart = now.as_second() - theirs.as_second();
    if apart.abs() <= SKEW_S {
        return Some(Finding::good("clock", "agrees with Google's"));
    }
    let way = if apart > 0 { "fast" } else { "slow" };
    let found = format!("{} s {way}", apart.abs());
    Some(Finding::bad("clock", found, "timedatectl set-ntp true; in a container, set the host's clock"))
}

/// Checks whether Redis answers, over plain TCP, TLS or a socket.
pub async fn redis(config: &Config) -> Vec<Finding> {
    let Ok(Some(url)) = config.settings.store.redis_url(&config.environment) else { return Vec::new() };
    let fix = "start it, or correct `store.redis`; until then each replica works on its own";
    match redis_is_there(&url).await {
        (place, Ok(())) => vec![Finding::good("redis", format!("{place} answers"))],
        (place, Err(why)) => vec![Finding::warning("redis", format!("{place}: {why}"), fix)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    #[test]
    fn clocks_that_differ_are_told() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let state = |date: &str| clock(date, now).map(|finding| finding.state);
        assert_eq!(state("Mon, 23 Nov 2026 12:00:30 GMT"), Some(State::Good));
        assert_eq!(state("Mon, 23 Nov 2026 11:50:00 GMT"), Some(State::Bad));
        assert_eq!(state("yesterday"), None);
        assert_eq!(clock("Mon, 23 Nov 2026 11:50:00 GMT", now).unwrap().found, "600 s fast");
    }
}
