//! Fetching the issuer's key set: HTTPS alone, three seconds, 256 KiB, no redirects.
//! What goes wrong is told by an address's scheme, host and path: a query may hold a secret.

use crate::tls;
use frames_edge::AuthConfig;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;

const TIME_LIMIT: Duration = Duration::from_secs(3);
const SIZE_LIMIT: usize = 256 * 1024;

/// Some issuers' firewalls turn away whoever doesn't name itself.
const USER_AGENT: &str = concat!("frames/", env!("CARGO_PKG_VERSION"));

/// Where the key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// At this address.
    KeySet(Uri),
    /// Where the issuer's configuration document says (OpenID Connect Discovery 1.0).
    Discovery { issuer: String, document: Uri },
}

impl Source {
    /// The source that the configuration names.
    pub fn of(auth: &AuthConfig) -> Result<Self, String> {
        if let Some(address) = &auth.jwks_uri {
            return configured(address)
                .map(Self::KeySet)
                .map_err(|problem| format!("config.json: `auth.jwksUri`: {problem}"));
        }
        let [issuer] = auth.issuers.as_slice() else {
            let problem = "`auth.jwksUri` is missing: only a single issuer's can be discovered";
            return Err(format!("config.json: {problem}"));
        };
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = match base.contains(['?', '#']) {
            true => Err("an issuer has no query and no fragment".to_owned()),
            false => configured(&format!("{base}/.well-known/openid-configuration")),
        }
        .map_err(|problem| format!("config.json: `auth.issuers`: {problem}"))?;
        Ok(Self::Discovery {
            issuer: issuer.clone(),
            document,
        })
    }

    /// Fetches the JWK set. The error says what went wrong, for the log.
    pub async fn fetch(&self) -> Result<Value, String> {
        tokio::time::timeout(TIME_LIMIT, self.follow())
            .await
            .unwrap_or_else(|_| {
                Err(format!(
                    "the key set didn't come within {} s",
                    TIME_LIMIT.as_secs()
                ))
            })
    }

    async fn follow(&self) -> Result<Value, String> {
        match self {
            Self::KeySet(address) => get(address).await,
            Self::Discovery { issuer, document } => {
                let found = get(document).await?;
                let shown = shown(document);
                let text = |key| found.get(key).and_then(Value::as_str);
                if text("issuer") != Some(issuer) {
                    return Err(format!("{shown} speaks for another issuer"));
                }
                let address =
                    text("jwks_uri").ok_or_else(|| format!("{shown} has no `jwks_uri`"))?;
                let address = discovered(address, document)
                    .map_err(|problem| format!("{shown}: `jwks_uri`: {problem}"))?;
                get(&address).await
            }
        }
    }
}

/// An address that stands in the configuration: HTTPS, or HTTP from this very
/// machine, which local runs use.
fn configured(address: &str) -> Result<Uri, String> {
    parse(address, true)
}

/// An address that a document names. It may stay on this machine, but nobody
/// is led here from elsewhere.
fn discovered(address: &str, document: &Uri) -> Result<Uri, String> {
    parse(address, is_local(document))
}

fn parse(address: &str, local: bool) -> Result<Uri, String> {
    if has_credentials(address) {
        return Err("an address with credentials in it".to_owned());
    }
    address
        .parse()
        .ok()
        .filter(|uri| is_https(uri) || (local && is_local(uri)))
        .ok_or_else(|| "not an https:// URL".to_owned())
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| !host.is_empty())
}

/// Plain HTTP from this very machine.
fn is_local(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && matches!(uri.host(), Some("127.0.0.1" | "[::1]"))
}

/// A user's name before the host (RFC 3986, 3.2.1), with a password or without.
pub(crate) fn has_credentials(address: &str) -> bool {
    let rest = address.split_once("//").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.contains('@')
}

/// An address as it may be logged: without credentials, query and fragment.
fn shown(address: &Uri) -> String {
    let scheme = address.scheme_str().unwrap_or_default();
    let host = address.host().unwrap_or_default();
    let port = address.port_u16().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    format!("{scheme}://{host}{port}{}", address.path())
}

/// One JSON document. Redirects aren't followed: they could lead off HTTPS.
async fn get(address: &Uri) -> Result<Value, String> {
    let shown = shown(address);
    let request = Request::get(address)
        .header("Accept", "application/json")
        .header("User-Agent", USER_AGENT)
        .body(Empty::<Bytes>::new())
        .map_err(|_| format!("{shown}: not a valid request"))?;
    let response = client(address)?
        .request(request)
        .await
        .map_err(|error| format!("{shown}: {}", with_cause(&error)))?;
    if response.status() != StatusCode::OK {
        return Err(format!("{shown} answered {}", response.status()));
    }
    let body = Limited::new(response.into_body(), SIZE_LIMIT)
        .collect()
        .await
        .map_err(|error| format!("{shown}: {error}"))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|_| format!("{shown} didn't answer with JSON"))
}

/// Made for each fetch, as that is once an hour: between two of them a sandbox
/// sleeps, its connections die, and the roots would only take memory.
fn client(address: &Uri) -> Result<Client<HttpsConnector<HttpConnector>, Empty<Bytes>>, String> {
    let builder = rustls::ClientConfig::builder_with_provider(tls::provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?;
    let tls = if address.scheme_str() == Some("https") {
        builder
            .with_native_roots()
            .map_err(|error| format!("the system's root certificates: {error}"))?
            .with_no_client_auth()
    } else {
        builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth()
    };
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector))
}

/// hyper's own message stops before the reason.
fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
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
        ] {
            assert!(discovered(keys, &here).is_err(), "{keys}");
            assert!(configured(keys).is_err(), "{keys}");
        }
        assert!(discovered("https://keys.example/keys", &elsewhere).is_ok());
    }

    #[test]
    fn an_address_is_shown_by_scheme_host_and_path() {
        let address: Uri = "https://user:pw@issuer.example:8443/keys?key=s3cret"
            .parse()
            .unwrap();
        assert_eq!(shown(&address), "https://issuer.example:8443/keys");
    }
}
