//! Where an issuer's key set is, and what may be believed on the way there.
//! The authorizer goes by it, and so does whoever bakes a set in before; each
//! brings its own HTTPS. What an answer may be is in [`crate::key_answer`]. What
//! goes wrong is told by an address's scheme, host and path: a query may hold a secret.

use crate::config::Issuer;
use crate::key_answer::{self, Document, Failed};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use serde_json::Value;
use std::error::Error;
use std::net::Ipv6Addr;
use std::sync::OnceLock;
use std::time::Duration;

/// For all of it, discovery included.
pub const TIME_LIMIT: Duration = Duration::from_secs(3);

/// Of what a document says of itself, so many characters are repeated.
pub(crate) const LONGEST_SHOWN: usize = 200;

/// Where the key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// At this address.
    KeySet(Uri),
    /// Where the issuer's configuration document says (OpenID Connect Discovery 1.0).
    Discovery { issuer: String, document: Uri },
}

impl KeySource {
    /// The source of an issuer's keys.
    pub fn of(issuer: &Issuer) -> Result<Self, String> {
        if let Some(address) = &issuer.jwks_uri {
            return configured(address)
                .map(Self::KeySet)
                .map_err(|problem| format!("`auth.jwksUri`: {problem}"));
        }
        let issuer = issuer.names.first().ok_or("`auth.issuers` is empty")?;
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = if base.contains(['?', '#']) {
            Err("an issuer has no query and no fragment".to_owned())
        } else {
            configured(&format!("{base}/.well-known/openid-configuration"))
        }
        .map_err(|problem| format!("`auth.issuers`: {problem}"))?;
        Ok(Self::Discovery {
            issuer: issuer.clone(),
            document,
        })
    }

    /// The JWK set. `send` sends one request and brings its answer, by the caller's own
    /// HTTPS; it follows no redirect. `on_the_way` remembers how far this got.
    pub async fn follow<B, F>(
        &self,
        on_the_way: &OnTheWay,
        send: impl Fn(Request<()>) -> F,
    ) -> Result<Value, Failed>
    where
        F: Future<Output = Result<Response<B>, String>>,
        B: BodyExt,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let get = async |document, address: &Uri| {
            let request = key_answer::request(address)?;
            let answer = send(request).await;
            let answer = answer.map_err(|problem| format!("{}: {problem}", shown(address)))?;
            key_answer::read(document, address, answer).await
        };
        match self {
            Self::KeySet(address) => get(Document::KeySet, address).await,
            Self::Discovery { issuer, document } => {
                let found = get(Document::Discovery, document).await?;
                let shown = shown(document);
                let text = |key| found.get(key).and_then(Value::as_str);
                check_issuer(text("issuer"), issuer)
                    .map_err(|problem| format!("{shown} {problem}"))?;
                let address =
                    text("jwks_uri").ok_or_else(|| format!("{shown} has no `jwks_uri`"))?;
                let address = discovered(address, document)
                    .map_err(|problem| format!("{shown}: `jwks_uri`: {problem}"))?;
                get(Document::KeySet, on_the_way.key_set.get_or_init(|| address)).await
            }
        }
    }

    /// What is said where [`TIME_LIMIT`] ended it: which of the addresses is the slow one.
    pub fn late(&self, on_the_way: &OnTheWay) -> Failed {
        let asked = on_the_way.key_set.get().unwrap_or(self.first());
        Failed {
            problem: format!(
                "{} didn't bring its answer within {} s",
                shown(asked),
                TIME_LIMIT.as_secs()
            ),
            wait: Some(Duration::ZERO),
        }
    }

    /// The address that is asked first, as it may be logged.
    pub fn shown(&self) -> String {
        shown(self.first())
    }

    fn first(&self) -> &Uri {
        match self {
            Self::KeySet(address) => address,
            Self::Discovery { document, .. } => document,
        }
    }
}

/// How far one fetch got: its second address, once it is known.
#[derive(Debug, Default)]
pub struct OnTheWay {
    key_set: OnceLock<Uri>,
}

/// A document speaks for the issuer that it names, character for character (OpenID
/// Connect Discovery 1.0, 4.3).
fn check_issuer(found: Option<&str>, configured: &str) -> Result<(), String> {
    let Some(found) = found.filter(|found| *found != configured) else {
        return match found {
            Some(_) => Ok(()),
            None => Err("names no issuer: it has no text in `issuer`".to_owned()),
        };
    };
    let found: String = found.chars().take(LONGEST_SHOWN).collect();
    let bare = |text: &str| text.trim_end_matches('/').to_owned();
    let hint = if bare(&found) == bare(configured) {
        ": a slash at the end counts, write `auth.issuer` as the document does"
    } else {
        ": correct `auth.issuer`, or the `issuer` that the document names"
    };
    Err(format!(
        "names another issuer: it says {found:?}, and the manifest says {configured:?}{hint}"
    ))
}

/// An address from the configuration: HTTPS, or HTTP from this very machine,
/// which local runs use.
fn configured(address: &str) -> Result<Uri, String> {
    parse(address, true)
}

/// An address that a document names. It may stay on this machine, but nobody
/// is led here from elsewhere.
pub(crate) fn discovered(address: &str, document: &Uri) -> Result<Uri, String> {
    parse(address, is_local(document))
}

fn parse(address: &str, local: bool) -> Result<Uri, String> {
    if has_credentials(address) {
        return Err("an address with credentials in it".to_owned());
    }
    if let Some(other) = address.chars().find(|c| !is_in_an_address(*c)) {
        return Err(format!("`{}` can't be in an address", other.escape_debug()));
    }
    let uri = address.parse().ok();
    if uri.as_ref().is_some_and(has_no_port_there_is) {
        return Err("a port is a number from 1 to 65535".to_owned());
    }
    if uri.as_ref().is_some_and(has_a_broken_ip) {
        return Err("brackets around what isn't an IPv6 address".to_owned());
    }
    uri.filter(|uri| is_https(uri) || (local && is_local(uri)))
        .ok_or_else(|| "not an https:// URL".to_owned())
}

/// RFC 3986, 2. The URL parser takes more: a placeholder such as `{tenant}`, too.
fn is_in_an_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

/// Behind the host is a colon, and no number that is a port.
fn has_no_port_there_is(uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else {
        return false;
    };
    let behind = authority.as_str().rsplit_once(']');
    let behind = behind.map_or(authority.as_str(), |(_, behind)| behind);
    behind.contains(':') && uri.port_u16().is_none_or(|port| port == 0)
}

/// Only an IPv6 address has brackets around it (RFC 3986, 3.2.2).
fn has_a_broken_ip(uri: &Uri) -> bool {
    let inside = uri.host().and_then(|host| host.strip_prefix('['));
    inside.is_some_and(|rest| {
        let address = rest.strip_suffix(']');
        address.is_none_or(|address| address.parse::<Ipv6Addr>().is_err())
    })
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| !host.is_empty())
}

/// Plain HTTP from this very machine.
fn is_local(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && matches!(uri.host(), Some("127.0.0.1" | "[::1]"))
}

/// A user's name before the host (RFC 3986, 3.2.1), with a password or without.
pub fn has_credentials(address: &str) -> bool {
    let rest = address.split_once("//").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.contains('@')
}

/// An address as it may be logged: without credentials, query and fragment.
pub fn shown(address: &Uri) -> String {
    let scheme = address.scheme_str().unwrap_or_default();
    let host = address.host().unwrap_or_default();
    let port = address.port_u16().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    format!("{scheme}://{host}{port}{}", address.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_from_elsewhere_does_not_lead_to_this_machine() {
        let document = |address: &str| address.parse::<Uri>().unwrap();
        let elsewhere = document("https://issuer.example/.well-known/openid-configuration");
        let secure = document("https://127.0.0.1/.well-known/openid-configuration");
        let here = document("http://127.0.0.1:8080/.well-known/openid-configuration");
        for keys in ["http://127.0.0.1:8080/keys", "http://[::1]/keys"] {
            assert!(discovered(keys, &elsewhere).is_err(), "{keys}");
            assert!(discovered(keys, &secure).is_err(), "{keys}");
            assert!(discovered(keys, &here).is_ok(), "{keys}");
            assert!(configured(keys).is_ok(), "{keys}");
        }
        for keys in [
            "http://issuer.example/keys",
            "http://127.0.0.1.evil.example/keys",
            "/keys",
            "https://keys.example:99999/keys",
            "https://keys.example:0/keys",
            "https://keys.example:/keys",
        ] {
            assert!(discovered(keys, &here).is_err(), "{keys}");
            assert!(configured(keys).is_err(), "{keys}");
        }
        assert!(discovered("https://keys.example/keys", &elsewhere).is_ok());
    }

    #[test]
    fn what_no_server_can_be_at_is_no_address() {
        for address in [
            "https://m\u{fc}nchen.example/",
            "https://issuer.example/<realm>",
            "https://issuer.example/{tenantid}/v2.0",
            "https://[issuer.example/",
            "https://issuer.example:99999/",
            "https://issuer.example:0/",
            "https://issuer.example:/",
            "https://[::1/",
            "https://[1.2.3]/",
            "https://issuer.example/a b",
            "https://",
            "https:///keys",
        ] {
            assert!(configured(address).is_err(), "{address}");
        }
        for address in [
            "https://issuer.example",
            "https://issuer.example:65535/a;b=c/%C3%A4?d=(e)",
            "https://[::1]/keys",
            "https://[2001:db8::1]:8443/keys",
        ] {
            assert!(configured(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn an_address_is_shown_by_scheme_host_and_path() {
        let address: Uri = "https://user:pw@issuer.example:8443/keys?key=s3cret"
            .parse()
            .unwrap();
        assert_eq!(shown(&address), "https://issuer.example:8443/keys");
    }
}
