//! Which endpoint, and where connections to it go.

use super::Unreachable;
use super::look::Look;
use frames_compiler::failure::{Failure, Result};
use frames_network::Network;
use frames_network::probe::Probe;
use http::Uri;
use std::net::IpAddr;
use std::time::Duration;

/// Where connections go to, as the flag says it.
pub(in crate::commands) const CONNECT_TO: &str = "FRAMES_CONNECT_TO";

/// The line of the way there.
pub(super) const ADDRESS: &str = "address";

/// A name that was made a moment ago takes its time to be known.
const PAUSE: Duration = Duration::from_secs(3);
const TRIES: usize = 10;

#[derive(Debug)]
pub(in crate::commands) struct Target {
    url: String,
    uri: Uri,
    host: String,
    /// The flag's or the variable's word, and which of them it was.
    connect_to: Option<((String, u16), &'static str)>,
    /// The distribution's own name.
    distribution: Option<String>,
    /// It was deployed just now: its names may be on their way.
    is_new: bool,
}

impl Target {
    pub(in crate::commands) fn of(url: &str, connect_to: Option<&str>) -> Result<Self> {
        let wrong = |what: &str| {
            Failure::usage(format!("the URL {what}"))
                .help("write the endpoint as `https://images.example.org`")
        };
        let uri: Uri = url.parse().map_err(|_| wrong("can't be read"))?;
        let host = uri.host().unwrap_or_default().to_owned();
        if host.is_empty() || uri.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err(wrong("has no host, or a user in it"));
        }
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(&host) => {}
            Some("http") => return Err(wrong("has no TLS: an endpoint is served by https only")),
            _ => return Err(wrong("doesn't begin with https://")),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("has a path: --path says which one is asked for"));
        }
        let usual = uri.port_u16().unwrap_or(443);
        let by_variable = std::env::var(CONNECT_TO).ok().filter(|it| !it.is_empty());
        let connect_to = match (connect_to, &by_variable) {
            (Some(text), _) => Some((place(text, usual, "--connect-to")?, "--connect-to")),
            (None, Some(text)) => Some((place(text, usual, CONNECT_TO)?, CONNECT_TO)),
            (None, None) => None,
        };
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            uri,
            host,
            connect_to,
            distribution: None,
            is_new: false,
        })
    }

    /// Where its name isn't known, the distribution's own name leads there.
    #[cfg_attr(not(feature = "aws"), allow(dead_code))]
    pub(in crate::commands) fn or_by(mut self, domain_name: &str, is_new: bool) -> Self {
        self.distribution = (domain_name != self.host).then(|| domain_name.to_owned());
        self.is_new = is_new;
        self
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whose word sends connections elsewhere.
    pub(super) fn diverted(&self) -> Option<String> {
        let ((host, port), whose) = self.connect_to.as_ref()?;
        Some(format!("`{whose}` sends connections to {host}:{port}"))
    }

    /// The way there, and the first line of the table.
    pub(super) async fn open(self) -> std::result::Result<Look, Unreachable> {
        let unreachable = |error: frames_network::Error| Unreachable {
            why: error.message,
            help: error.help,
        };
        let network = Network::of_environment().map_err(unreachable)?;
        let probe = Probe::new(network, &self.uri);
        if let Some(((host, port), whose)) = &self.connect_to {
            let mut look = Look::new(probe.via(host, *port));
            let found = format!("{host}:{port}, as {whose} says");
            look.skip(ADDRESS, "the host's own", found);
            return Ok(look);
        }
        let is_address = self.host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let expected = if is_address {
            "an address, no name".to_owned()
        } else {
            format!("{} is in the DNS", self.host)
        };
        let error = match self.addresses(&probe).await {
            Ok(found) => {
                let mut look = Look::new(probe);
                match found {
                    Some(found) => {
                        let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
                        look.ok(ADDRESS, &expected, found.join(", "));
                    }
                    None => look.skip(ADDRESS, &expected, "a proxy looks it up"),
                }
                return Ok(look);
            }
            Err(error) => error,
        };
        let Some(distribution) = self.distribution else {
            return Err(unreachable(error));
        };
        let mut look = Look::new(probe.via(&distribution, 443));
        let record = format!(
            "set the CNAME record {} -> {distribution}; until then, viewers don't find it. What follows was asked of {distribution}",
            self.host
        );
        if self.is_new {
            look.skip(ADDRESS, &expected, format!("not yet: {record}"));
        } else {
            look.wrong(ADDRESS, &expected, error.message, &record);
        }
        Ok(look)
    }

    async fn addresses(
        &self,
        probe: &Probe,
    ) -> std::result::Result<Option<Vec<IpAddr>>, frames_network::Error> {
        // A name of one's own is set by hand, and nobody waits for that here.
        let tries = if self.is_new && self.distribution.is_none() {
            TRIES
        } else {
            1
        };
        let mut found = probe.addresses().await;
        for _ in 1..tries {
            if found.is_ok() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            found = probe.addresses().await;
        }
        found
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// `HOST` or `HOST:PORT`
fn place(text: &str, usual: u16, whose: &str) -> Result<(String, u16)> {
    let wrong = || {
        Failure::usage(format!("{whose} is no address"))
            .help("write a host, with or without a port: `d111111abcdef8.cloudfront.net:443`")
    };
    let read: http::uri::Authority = text.parse().map_err(|_| wrong())?;
    let host = read.host();
    let has_port = text.len() > host.len();
    match (read.port_u16(), has_port) {
        _ if host.is_empty() || text.contains('@') => Err(wrong()),
        (Some(port), _) => Ok((host.to_owned(), port)),
        (None, false) => Ok((host.to_owned(), usual)),
        (None, true) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames_compiler::failure::Exit;

    #[test]
    fn only_an_endpoint_is_taken() {
        for url in [
            "https://images.example.org",
            "https://images.example.org:8443/",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost",
        ] {
            assert!(Target::of(url, None).is_ok(), "{url}");
        }
        for url in [
            "images.example.org",
            "http://images.example.org",
            "ftp://images.example.org",
            "https://",
            "https://me:secret@images.example.org",
            "https://images.example.org/datastore",
            "https://images.example.org?a=b",
        ] {
            let failure = Target::of(url, None).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{url}");
            assert!(!failure.message.contains("secret"));
        }
    }

    #[test]
    fn an_address_has_a_host_and_maybe_a_port() {
        let of = |text| place(text, 443, "--connect-to");
        assert_eq!(of("a.org").unwrap(), ("a.org".to_owned(), 443));
        assert_eq!(of("a.org:1").unwrap(), ("a.org".to_owned(), 1));
        assert_eq!(of("[::1]:1").unwrap(), ("[::1]".to_owned(), 1));
        for text in [
            "",
            ":1",
            "a.org:port",
            "a.org:99999",
            "u@a.org",
            "https://a.org",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
