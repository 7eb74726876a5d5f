//! Fetching the issuer's key set: HTTPS only, three seconds, 256 KiB, no redirects.

use frames_edge::Issuer;
use frames_edge::key_answer::{Failed, with_cause};
use frames_edge::key_source::{KeySource, OnTheWay, TIME_LIMIT};
use frames_edge::tls;
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
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
    client(request.uri(), HttpConnector::new())?
        .request(request)
        .await
        .map_err(|error| with_cause(&error))
}

/// Made for each fetch, as that is once an hour: between two of them a sandbox
/// sleeps, its connections die, and the roots would only take memory.
fn client<R>(
    address: &Uri,
    mut connector: HttpConnector<R>,
) -> Result<Client<HttpsConnector<HttpConnector<R>>, Empty<Bytes>>, String>
where
    HttpsConnector<HttpConnector<R>>: Connect + Clone,
{
    let tls = if address.scheme_str() == Some("https") {
        tls::trusting_the_system()?
    } else {
        tls::trusting_nobody()?
    };
    connector.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// The name has both addresses, and only one of them is listened at.
    #[tokio::test]
    async fn a_name_is_tried_at_each_of_its_addresses() {
        let both = [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::from(Ipv6Addr::LOCALHOST),
        ];
        for at in both {
            let Ok(listener) = TcpListener::bind((at, 0)).await else {
                // Not every machine has IPv6.
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            });
            let resolver = tower::service_fn(move |_| async move {
                Ok::<_, Infallible>(both.map(|ip| SocketAddr::from((ip, 0))).into_iter())
            });
            let address: Uri = format!("http://issuer.example:{port}/").parse().unwrap();
            let client = client(&address, HttpConnector::new_with_resolver(resolver)).unwrap();
            let answer = client.get(address).await.unwrap();
            assert_eq!(answer.status(), 204, "{at}");
            server.await.unwrap();
        }
    }
}
