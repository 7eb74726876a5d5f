//! What is reached without a proxy: NO_PROXY's hosts, as curl and the AWS CLI read them, and what no
//! proxy could reach for this machine.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

#[derive(Debug, Default)]
pub(crate) struct Bypass(Vec<Rule>);

/// An entry of NO_PROXY.
#[derive(Debug)]
struct Rule {
    hosts: Hosts,
    /// `None`: any port.
    port: Option<u16>,
}

#[derive(Debug)]
enum Hosts {
    All,
    Network(IpNet),
    /// The host of this name, and all below it.
    Domain(String),
}

impl Bypass {
    /// `example.com, .internal, 10.0.0.0/8, [::1]:8080`, or `*`
    pub(crate) fn of(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t']).map(str::trim);
        Self(entries.filter_map(Rule::of).collect())
    }

    /// One host and port more.
    pub(crate) fn add(&mut self, host: &str, port: u16) {
        self.0.push(Rule {
            hosts: Hosts::of(host),
            port: Some(port),
        });
    }

    pub(crate) fn has(&self, host: &str, port: u16) -> bool {
        let host = plain(host);
        let address = host.parse().ok();
        address.is_some_and(is_link_local)
            || self.0.iter().any(|rule| {
                rule.port.is_none_or(|own| own == port) && rule.hosts.have(&host, address)
            })
    }
}

impl Rule {
    fn of(entry: &str) -> Option<Self> {
        if entry.is_empty() {
            return None;
        }
        let (host, port) = match entry.rsplit_once(':') {
            // An IPv6 address has colons of its own, unless it is in brackets.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => port
                .parse()
                .map_or((entry, None), |port| (host, Some(port))),
            _ => (entry, None),
        };
        Some(Self {
            hosts: Hosts::of(host),
            port,
        })
    }
}

impl Hosts {
    fn of(text: &str) -> Self {
        if text == "*" {
            return Self::All;
        }
        let host = plain(text);
        if let Ok(network) = host.parse::<IpNet>() {
            return Self::Network(network);
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Self::Network(IpNet::from(address));
        }
        let name = host.strip_prefix("*.").unwrap_or(&host);
        Self::Domain(name.trim_start_matches('.').to_owned())
    }

    fn have(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::All, _) => true,
            (Self::Network(network), Some(address)) => network.contains(&address),
            (Self::Domain(domain), None) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|above| above.is_empty() || above.ends_with('.')),
            _ => false,
        }
    }
}

/// In small letters, without brackets and without the root's dot.
fn plain(host: &str) -> String {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = inner.unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Only this machine itself can reach these: instance metadata and credentials of AWS are among them.
/// Through a proxy, they would be the proxy's own.
fn is_link_local(address: IpAddr) -> bool {
    /// `fd00:ec2::254` and its neighbours
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0);
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || address.segments()[..2] == METADATA.segments()[..2]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_suffixes_networks_and_ports() {
        let has = |list: &str, host: &str, port: u16| Bypass::of(list).has(host, port);
        for (list, host) in [
            ("*", "sts.amazonaws.com"),
            ("amazonaws.com", "sts.amazonaws.com"),
            (".amazonaws.com", "STS.Amazonaws.com"),
            ("*.amazonaws.com", "amazonaws.com"),
            ("a.org, b.org", "b.org."),
            ("a.org b.org", "a.org"),
            ("10.0.0.0/8", "10.200.3.4"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "[::1]"),
            ("fd12::/16", "[fd12:3::1]"),
            ("[::1]:443", "[::1]"),
            ("b.org:443", "a.b.org"),
            ("10.0.0.0/8:443", "10.0.0.1"),
        ] {
            assert!(has(list, host, 443), "{list} {host}");
        }
        for (list, host) in [
            ("", "a.org"),
            (",,", "a.org"),
            ("amazonaws.com", "notamazonaws.com"),
            ("sts.amazonaws.com", "amazonaws.com"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/8", "10.example.org"),
            ("localhost", "127.0.0.1"),
            ("b.org:80", "b.org"),
            ("[::1]:80", "[::1]"),
            ("1.2.3", "1.2.3.4"),
        ] {
            assert!(!has(list, host, 443), "{list} {host}");
        }
    }

    #[test]
    fn what_only_this_machine_reaches_needs_no_entry() {
        let none = Bypass::of("");
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "[fd00:ec2::254]",
            "[fe80::1]",
        ] {
            assert!(none.has(host, 80), "{host}");
        }
        // As with curl and the AWS CLI.
        assert!(!none.has("127.0.0.1", 80) && !none.has("localhost", 80));
    }
}
