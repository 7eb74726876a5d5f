//! Fetching the issuer's key set: HTTPS only, three seconds, 256 KiB, no redirects.

use crate::tls;
use frames_edge::Issuer;
use frames_edge::key_answer::{Failed, with_cause};
use frames_edge::key_source::{KeySource, OnTheWay, TIME_LIMIT};
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
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
    pub async fn fetch(&self) -> Result<Value, Failed> {
        let on_the_way = OnTheWay::default();
        let fetched = self.0.follow(&on_the_way, send);
        match tokio::time::timeout(TIME_LIMIT, fetched).await {
            Ok(fetched) => fetched,
            Err(_) => Err(self.0.late(&on_the_way)),
        }
    }

    /// The address that is asked first, for the log.
    pub fn shown(&self) -> String {
        self.0.shown()
    }
}

async fn send(request: Request<()>) -> Result<Response<Incoming>, String> {
    let request = request.map(|()| Empty::new());
    client(request.uri())?
        .request(request)
        .await
        .map_err(|error| with_cause(&error))
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
