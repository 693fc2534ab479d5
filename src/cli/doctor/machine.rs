//! Checks of the machine: user, open files, proxy and port.

use std::io::ErrorKind;

use tokio::net::TcpListener;

use super::Finding;
use crate::cli::{healthcheck, remote};
use crate::config::Config;

/// Enough open files for a busy server: each request has one incoming connection and may have one outgoing.
const ENOUGH_FILES: u64 = 4096;

/// Warns if the process runs as root.
pub fn user(_: &Config) -> Vec<Finding> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1));
    if uid != Some("0") {
        return Vec::new();
    }
    let fix = "run it as a dedicated user, as the image and the systemd unit do";
    vec![Finding::warning("user", "running as root, which is not needed", fix)]
}

/// Checks the limit of open files, which include connections.
pub fn open_files(_: &Config) -> Vec<Finding> {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(limit) = soft_limit(&limits) else { return Vec::new() };
    if limit >= ENOUGH_FILES {
        return vec![Finding::good("open files", format!("{limit} at once"))];
    }
    let found = format!("{limit} at once; each request needs up to two");
    vec![Finding::warning("open files", found, "ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit")]
}

fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// Reports which proxy requests to Google use.
pub fn proxy(config: &Config) -> Vec<Finding> {
    if config.settings.upstream.proxy.is_some() {
        return vec![Finding::good("proxy", "`upstream.proxy` is set: all traffic to Google goes through it")];
    }
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = names.into_iter().find(|name| config.environment.get(name).is_some_and(|value| !value.is_empty()));
    let Some(name) = set else { return Vec::new() };
    let fix = "unset it if this is not intended, or add the host to NO_PROXY";
    vec![Finding::warning("proxy", format!("{name} is set: all traffic to Google goes through this proxy"), fix)]
}

/// Checks whether the port is free, or in use by this server.
pub async fn port(config: &Config) -> Finding {
    let listen = &config.settings.server.listen;
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::good("port", format!("{listen} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match healthcheck::is_ready(&remote::url(config)).await {
            Ok(()) => Finding::good("port", format!("{listen}: a server is running and ready")),
            Err(why) => {
                let found = format!("{listen} is in use by a process that is not ready: {why}");
                Finding::bad("port", found, "stop the process that listens there, or set `server.listen`")
            }
        },
        Err(error) => {
            let fix = "set `server.listen` to an address of this machine, and a port above 1023";
            Finding::bad("port", format!("cannot listen on {listen}: {error}"), fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_counts() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             unlimited            unlimited            processes\n\
                      Max open files            1024                 1048576              files\n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(soft_limit(""), None);
    }
}
