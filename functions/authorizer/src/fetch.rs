//! Fetching the issuer's key set: HTTPS only, three seconds, 256 KiB, no redirects.

use crate::tls;
use frames_edge::Issuer;
use frames_edge::key_source::{
    KeySource, SIZE_LIMIT, TIME_LIMIT, USER_AGENT, document, shown, with_cause,
};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Where the key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(KeySource);

impl Source {
    /// The source of an issuer's keys.
    pub fn of(issuer: &Issuer) -> Result<Self, String> {
        KeySource::of(issuer)
            .map(Self)
            .map_err(|problem| format!("config.json: {problem}"))
    }

    /// Fetches the JWK set. The error says what went wrong, for the log.
    pub async fn fetch(&self) -> Result<Value, String> {
        tokio::time::timeout(TIME_LIMIT, self.0.follow(get))
            .await
            .unwrap_or_else(|_| {
                Err(format!(
                    "the key set didn't come within {} s",
                    TIME_LIMIT.as_secs()
                ))
            })
    }
}

/// One JSON document. Redirects aren't followed: they could lead off HTTPS.
async fn get(address: Uri) -> Result<Value, String> {
    let shown = shown(&address);
    let request = Request::get(&address)
        .header("Accept", "application/json")
        .header("User-Agent", USER_AGENT)
        .body(Empty::<Bytes>::new())
        .map_err(|_| format!("{shown}: not a valid request"))?;
    let response = client(&address)?
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
    document(&body).map_err(|problem| format!("{shown} {problem}"))
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
