//! The HTTP client of AWS's SDKs, credential providers included. Proxies and certificates are those of
//! `frames_network`, as for whatever else leaves this machine.

use super::errors::from_network;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use frames_compiler::failure::{Context, Failure, Result};
use frames_network::{Network, Proxy, Trouble};
use http::Uri;

/// What a proxy answers to a request that lacks a password (RFC 9110, 15.5.8).
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// One for all calls of a run.
pub(super) fn client() -> Result<SharedHttpClient> {
    let network = Network::of_environment().map_err(from_network)?;
    let proxied = |proxy: Option<&Proxy>| {
        let config = proxy.map(|proxy| ProxyConfig::all(proxy.with_password()));
        let config = config.transpose().map_err(|_| {
            // Its text quotes the address, which has the password.
            Failure::new("the proxy's address can't be used")
                .help("write it as `http://HOST:PORT` or `http://USER:PASSWORD@HOST:PORT`")
        })?;
        config.map(|config| way(network, config)).transpose()
    };
    Ok(SharedHttpClient::new(Ways {
        network,
        direct: way(network, ProxyConfig::disabled())?,
        http: proxied(network.http_proxy())?,
        https: proxied(network.https_proxy())?,
    }))
}

/// A client that always takes the same way.
fn way(network: &Network, proxy: ProxyConfig) -> Result<SharedHttpClient> {
    let trusted = match network.bundle() {
        Some(bundle) => TrustStore::empty().with_pem_certificate(bundle.into_bytes()),
        None => TrustStore::default(),
    };
    let tls = TlsContext::builder().with_trust_store(trusted).build();
    let tls = tls.context(|| "TLS can't be set up")?;
    let connector = move |settings: Option<&HttpConnectorSettings>,
                          components: Option<&RuntimeComponents>| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone())
            .build()
    };
    Ok(Builder::new().build_with_connector_fn(connector))
}

/// A client per way out. Which one a request takes depends on its address.
#[derive(Debug)]
struct Ways {
    network: &'static Network,
    direct: SharedHttpClient,
    http: Option<SharedHttpClient>,
    https: Option<SharedHttpClient>,
}

impl HttpClient for Ways {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let of = |client: &SharedHttpClient| client.http_connector(settings, components);
        SharedHttpConnector::new(Connectors {
            network: self.network,
            direct: of(&self.direct),
            http: self.http.as_ref().map(of),
            https: self.https.as_ref().map(of),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.direct.connector_metadata()
    }
}

#[derive(Debug)]
struct Connectors {
    network: &'static Network,
    direct: SharedHttpConnector,
    http: Option<SharedHttpConnector>,
    https: Option<SharedHttpConnector>,
}

impl HttpConnector for Connectors {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Ok(to) = request.uri().parse::<Uri>() else {
            return self.direct.call(request);
        };
        let is_plain = to.scheme_str() == Some("http");
        let connector = if is_plain { &self.http } else { &self.https };
        let (Some(proxy), Some(connector)) = (self.network.proxy(&to), connector) else {
            return self.direct.call(request);
        };
        let answer = connector.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(|error| {
                let trouble = proxy.trouble(&to, &error);
                told(trouble, &error)
            })?;
            // Through a tunnel, it is the host's own answer.
            if is_plain && answer.status().as_u16() == PROXY_AUTHENTICATION_REQUIRED {
                let trouble = proxy.asks_for_a_password();
                return Err(ConnectorError::other(trouble.into(), None));
            }
            Ok(answer)
        })
    }
}

/// The same kind of error, so that the SDK tries again where that may help.
fn told(trouble: Trouble, error: &ConnectorError) -> ConnectorError {
    if !trouble.passing {
        ConnectorError::other(trouble.into(), None)
    } else if error.is_timeout() {
        ConnectorError::timeout(trouble.into())
    } else {
        ConnectorError::io(trouble.into())
    }
}
