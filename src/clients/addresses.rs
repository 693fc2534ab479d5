//! Where requests come from: which address counts behind proxies, and which addresses may call.

use std::net::IpAddr;

use ipnet::IpNet;

use super::settings::AuthSettings;
use crate::problem::{Problem, Problems};

/// Rules about client addresses.
#[derive(Debug, Default)]
pub struct Addresses {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    proxies: Vec<IpNet>,
}

impl Addresses {
    /// Reads the settings; problems are reported at `auth…`.
    pub fn prepare(settings: &AuthSettings, problems: &mut Problems) -> Self {
        Self {
            allow: nets(&settings.allow, "auth.allow", problems),
            deny: nets(&settings.deny, "auth.deny", problems),
            proxies: nets(&settings.trusted_proxies, "auth.trusted_proxies", problems),
        }
    }

    /// The address a request comes from: that of the connection or, through trusted proxies, the last address in
    /// `x-forwarded-for` that is not a trusted proxy. Anyone may have written the entries before it.
    pub fn of<'h>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'h str>) -> IpAddr {
        let mut address = peer.to_canonical();
        for before in forwarded.rev() {
            if !within(&self.proxies, address) {
                break;
            }
            match parse(before.trim()) {
                Some(before) => address = before,
                None => break,
            }
        }
        address
    }

    /// Whether an address may call at all.
    pub fn may_call(&self, address: IpAddr) -> bool {
        !within(&self.deny, address) && (self.allow.is_empty() || within(&self.allow, address))
    }
}

/// Parses networks and single addresses.
pub fn nets(texts: &[String], place: &str, problems: &mut Problems) -> Vec<IpNet> {
    let mut nets = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)) {
            Some(net) => nets.push(net),
            None => {
                let hint = "write `203.0.113.7`, `10.0.0.0/8` or `2001:db8::/32`";
                problems
                    .push(Problem::error("is not an address or network").at(format!("{place}[{index}]")).hint(hint));
            }
        }
    }
    nets
}

fn within(nets: &[IpNet], address: IpAddr) -> bool {
    nets.iter().any(|net| net.contains(&address))
}

/// Parses an address with an optional port.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|it| it.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(allow: &[&str], deny: &[&str], proxies: &[&str]) -> Addresses {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let settings = AuthSettings {
            allow: list(allow),
            deny: list(deny),
            trusted_proxies: list(proxies),
            ..AuthSettings::default()
        };
        let mut problems = Problems::new();
        let addresses = Addresses::prepare(&settings, &mut problems);
        assert!(problems.is_empty(), "{problems}");
        addresses
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusting = addresses(&[], &[], &["10.0.0.0/8", "::1"]);
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            // Entries written by the client itself come before the one added by the proxy.
            ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1:443", "198.51.100.1"),
            ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
            ("::1", "::ffff:198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "nonsense, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ] {
            let found = trusting.of(peer.parse().unwrap(), forwarded.split(','));
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded}");
        }
    }

    #[test]
    fn rules_of_addresses() {
        let rules = addresses(&["10.0.0.0/8", "2001:db8::/32"], &["10.6.6.0/24"], &[]);
        for (address, may) in
            [("10.1.2.3", true), ("10.6.6.6", false), ("192.0.2.1", false), ("2001:db8::7", true), ("::1", false)]
        {
            assert_eq!(rules.may_call(address.parse().unwrap()), may, "{address}");
        }
        let mut problems = Problems::new();
        nets(&["10.0.0.0/33".into(), "here".into()], "auth.deny", &mut problems);
        assert_eq!(problems.len(), 2);
    }
}
