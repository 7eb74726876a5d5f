//! Fetching the issuer's key set: HTTPS alone, three seconds, 256 KiB, no redirects.

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
            return allowed(address)
                .map(Self::KeySet)
                .map_err(|problem| format!("config.json: `auth.jwksUri`: {problem}"));
        }
        let issuer = auth.issuers.first().ok_or("config.json: no issuer")?;
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = allowed(&format!("{base}/.well-known/openid-configuration"))
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
                let text = |key| found.get(key).and_then(Value::as_str);
                if text("issuer") != Some(issuer) {
                    return Err(format!("{document} speaks for another issuer"));
                }
                let address = text("jwks_uri").ok_or(format!("{document} has no `jwks_uri`"))?;
                let address = allowed(address)
                    .map_err(|problem| format!("{document}: `jwks_uri`: {problem}"))?;
                get(&address).await
            }
        }
    }
}

/// An address that keys may come from: HTTPS, or HTTP from this very machine, which local runs use.
fn allowed(address: &str) -> Result<Uri, String> {
    let is_allowed = |uri: &Uri| match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => matches!(host, "127.0.0.1" | "[::1]"),
        _ => false,
    };
    address
        .parse()
        .ok()
        .filter(is_allowed)
        .ok_or_else(|| format!("{address:?} isn't an https:// URL"))
}

/// One JSON document. Redirects aren't followed: they could lead off HTTPS.
async fn get(address: &Uri) -> Result<Value, String> {
    let request = Request::get(address)
        .header("Accept", "application/json")
        .header("User-Agent", USER_AGENT)
        .body(Empty::<Bytes>::new())
        .map_err(|_| format!("{address}: not a valid request"))?;
    let response = client(address)?
        .request(request)
        .await
        .map_err(|error| format!("{address}: {}", with_cause(&error)))?;
    if response.status() != StatusCode::OK {
        return Err(format!("{address} answered {}", response.status()));
    }
    let body = Limited::new(response.into_body(), SIZE_LIMIT)
        .collect()
        .await
        .map_err(|error| format!("{address}: {error}"))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|_| format!("{address} didn't answer with JSON"))
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
