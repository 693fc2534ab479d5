//! Rules that no single type can hold: ranges, and what several settings say together. What a room's own things must be,
//! the room checks when it is built.

use std::net::SocketAddr;
use std::time::Duration;

use super::Settings;
use crate::problem::{Problem, Problems};

/// Checks the settings.
pub fn check(settings: &Settings, problems: &mut Problems) {
    server(settings, problems);
    upstream(settings, problems);
    settings.cooldown.check("cooldown", true, problems);
    if settings.plugins.timeout.is_zero() || settings.plugins.timeout > Duration::from_secs(10) {
        problems.push(Problem::error("must be between 1ms and 10s").at("plugins.timeout"));
    }
    if settings.plugins.max_operations == 0 {
        problems.push(Problem::error("must be at least 1").at("plugins.max_operations"));
    }
    let level = settings.log.level.as_str();
    let words = ["error", "warn", "info", "debug", "trace", "off"];
    if !words.contains(&level.to_ascii_lowercase().as_str()) && !level.contains('=') {
        problems.push(Problem::error("is no log level").at("log.level").hint(format!("write one of `{}`", words.join("`, `"))));
    }
}

fn server(settings: &Settings, problems: &mut Problems) {
    let server = &settings.server;
    if server.listen.parse::<SocketAddr>().is_err() {
        let hint = "write an IP address and a port: `0.0.0.0:8000`, `127.0.0.1:8000`, `[::]:8000`";
        problems.push(Problem::error("is no address to listen on").at("server.listen").hint(hint));
    }
    for (name, value) in [("header_timeout", server.header_timeout), ("body_timeout", server.body_timeout)] {
        if value.is_zero() {
            problems.push(Problem::error("must be longer than nothing").at(format!("server.{name}")));
        }
    }
    if server.keep_alive < Duration::from_secs(1) {
        problems.push(Problem::error("must be at least 1s").at("server.keep_alive"));
    }
    if server.max_body == 0 {
        problems.push(Problem::error("must be at least 1").at("server.max_body"));
    }
    for (index, origin) in server.cors_origins.iter().enumerate() {
        let whole = origin == "*" || url::Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
        if !whole {
            let hint = "write scheme, host and port as a browser sends them, without a path: `https://chat.example.org`";
            problems.push(Problem::error("is no origin").at(format!("server.cors_origins[{index}]")).hint(hint));
        }
    }
}

fn upstream(settings: &Settings, problems: &mut Problems) {
    let upstream = &settings.upstream;
    for (name, value) in [
        ("timeout", upstream.timeout),
        ("connect_timeout", upstream.connect_timeout),
        ("first_byte_timeout", upstream.first_byte_timeout),
        ("idle_timeout", upstream.idle_timeout),
    ] {
        if value.is_zero() {
            problems.push(Problem::error("must be longer than nothing").at(format!("upstream.{name}")));
        }
    }
    if !(1..=10).contains(&upstream.attempts) {
        problems.push(Problem::error("must be between 1 and 10").at("upstream.attempts"));
    }
    let plain = url::Url::parse(&upstream.base_url).ok().filter(|url| url.scheme() == "http");
    let local = |url: &url::Url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_private(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if plain.is_some_and(|url| !local(&url)) {
        let message = "sends keys unencrypted over a network";
        problems.push(Problem::warning(message).at("upstream.base_url").hint("use https"));
    }
}
