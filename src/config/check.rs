//! Checks that no single type can express: ranges, and constraints between settings. Constraints within a module's
//! own data are checked by that module when it is built.

use std::net::SocketAddr;
use std::time::Duration;

use url::{Host, Url};

use super::{ServerSettings, Settings};
use crate::problem::{Problem, Problems};
use crate::upstream::UpstreamSettings;

/// Maximum time that a hook may delay a request.
const LONGEST_HOOK: Duration = Duration::from_secs(10);

/// Checks the settings.
pub fn check(settings: &Settings, problems: &mut Problems) {
    server(&settings.server, problems);
    upstream(&settings.upstream, problems);
    settings.cache.check(problems);
    settings.cooldown.check("cooldown", true, problems);
    if settings.pools.is_empty() {
        let hint = "write `[pools.default]` with `keys = [\"env:GEMINI_API_KEYS\"]`";
        problems.push(Problem::error("there is no pool").at("pools").hint(hint));
    }
    let plugins = &settings.plugins;
    if plugins.timeout.is_zero() || plugins.timeout > LONGEST_HOOK {
        problems.push(Problem::error("must be between 1ms and 10s").at("plugins.timeout"));
    }
    if plugins.max_operations == 0 {
        problems.push(Problem::error("must be at least 1").at("plugins.max_operations"));
    }
    settings.telemetry.check(problems);
    let level = settings.log.level.to_ascii_lowercase();
    let words = ["error", "warn", "info", "debug", "trace", "off"];
    if !words.contains(&level.as_str()) && !level.contains('=') {
        let hint =
            format!("write one of `{}`, or a filter such as `info,gemini_adapter::keys=debug`", words.join("`, `"));
        problems.push(Problem::error("is not a log level").at("log.level").hint(hint));
    }
}

fn server(server: &ServerSettings, problems: &mut Problems) {
    if server.listen.parse::<SocketAddr>().is_err() {
        let hint = "write an IP address and a port: `0.0.0.0:8000`, `127.0.0.1:8000`, `[::]:8000`";
        problems.push(Problem::error("is not an address to listen on").at("server.listen").hint(hint));
    }
    let timers = [
        ("header_timeout", server.header_timeout),
        ("body_timeout", server.body_timeout),
        ("write_timeout", server.write_timeout),
    ];
    positive("server", &timers, problems);
    if server.keep_alive < Duration::from_secs(1) {
        problems.push(Problem::error("must be at least 1s").at("server.keep_alive"));
    }
    let bounds =
        [("max_body", server.max_body), ("max_bodies", server.max_bodies), ("max_connections", server.max_connections)];
    for (name, _) in bounds.iter().filter(|(_, bound)| *bound == 0) {
        problems.push(Problem::error("must be at least 1").at(format!("server.{name}")));
    }
    for (index, origin) in server.cors_origins.iter().enumerate() {
        let whole = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
        if origin != "*" && !whole {
            let hint = "write scheme, host and port as a browser sends them: `https://chat.example.org`, without a slash at the end";
            problems.push(Problem::error("is not an origin").at(format!("server.cors_origins[{index}]")).hint(hint));
        }
    }
}

fn upstream(upstream: &UpstreamSettings, problems: &mut Problems) {
    let times = [
        ("timeout", upstream.timeout),
        ("connect_timeout", upstream.connect_timeout),
        ("first_byte_timeout", upstream.first_byte_timeout),
        ("idle_timeout", upstream.idle_timeout),
    ];
    positive("upstream", &times, problems);
    if !(1..=10).contains(&upstream.attempts) {
        problems.push(Problem::error("must be between 1 and 10").at("upstream.attempts"));
    }
    // Whether it is a URL at all is checked by the upstream module.
    if let Ok(url) = Url::parse(&upstream.base_url) {
        base_url(&url, problems);
    }
}

fn base_url(url: &Url, problems: &mut Problems) {
    let path = url.path().trim_end_matches('/');
    let wrong = if url.query().is_some() || url.fragment().is_some() {
        Some(("must not have a query", "a key goes into `pools.NAME.keys`"))
    } else if !url.username().is_empty() || url.password().is_some() {
        Some(("must not have a user or a password", "a key goes into `pools.NAME.keys`"))
    } else if path.ends_with("/v1beta") || path.ends_with("/v1") {
        Some(("must not include the API version", "leave `/v1beta` out: it is added to every call"))
    } else {
        None
    };
    if let Some((message, hint)) = wrong {
        problems.push(Problem::error(message).at("upstream.base_url").hint(hint));
    }
    let near = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => true,
    };
    if url.scheme() == "http" && !near {
        let message = "sends keys unencrypted over a network";
        problems.push(Problem::warning(message).at("upstream.base_url").hint("use https"));
    }
}

fn positive(table: &str, times: &[(&str, Duration)], problems: &mut Problems) {
    for (name, _) in times.iter().filter(|(_, time)| time.is_zero()) {
        problems.push(Problem::error("must be longer than 0s").at(format!("{table}.{name}")));
    }
}
