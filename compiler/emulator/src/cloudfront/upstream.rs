//! The connection to the origin.

use super::{OriginServer, event, event::Flow, refusal::Refusal, response_headers, stored::Stored};
use crate::{
    Error,
    http::{self as local_http, BodyError},
    lambda::FunctionUrl,
};
use bytes::Bytes;
use frames_network::Network;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use tokio::time::timeout;

/// Frames are a few megabytes; this is a bound, not a target.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// CloudFront's default time-out for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How the edge reaches its origins.
pub(super) struct Upstream {
    origins: Origins,
    reader: Option<Route>,
}

/// The way to the reader's function URL.
struct Route {
    client: Client<HttpConnector, Full<Bytes>>,
    host: String,
    address: SocketAddr,
}

enum Origins {
    /// Every origin is the stand-in, which tells them apart by `Host`.
    StandIn {
        client: Client<HttpConnector, Full<Bytes>>,
        address: SocketAddr,
        hosts: Vec<String>,
    },
    Aws(frames_network::Client<Full<Bytes>>),
    /// Somebody's own endpoint in place of AWS's, on this machine.
    Endpoint {
        client: Client<HttpConnector, Full<Bytes>>,
        address: SocketAddr,
    },
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_nodelay(true);
    connector
}

impl Origins {
    fn new(origin: &OriginServer) -> Result<Self, Error> {
        match origin {
            OriginServer::StandIn(stand_in) => Ok(Self::StandIn {
                client: Client::builder(TokioExecutor::new()).build(connector()),
                address: stand_in.address(),
                hosts: stand_in.hosts().to_vec(),
            }),
            OriginServer::Aws {
                endpoint: Some(address),
                ..
            } => Ok(Self::Endpoint {
                client: Client::builder(TokioExecutor::new()).build(connector()),
                address: *address,
            }),
            OriginServer::Aws { endpoint: None, .. } => {
                let network = Network::of_environment();
                let client = network.and_then(|network| network.client(CONNECT));
                let client = client.map_err(|e| Error::new(e.message).help(e.help))?;
                Ok(Self::Aws(client))
            }
        }
    }
}

impl Upstream {
    pub(super) fn new(origin: &OriginServer, reader: Option<&FunctionUrl>) -> Result<Self, Error> {
        Ok(Self {
            origins: Origins::new(origin)?,
            reader: reader.map(|reader| Route {
                client: Client::builder(TokioExecutor::new()).build(connector()),
                host: reader.host().to_owned(),
                address: reader.address(),
            }),
        })
    }

    /// Sends the request as the origin-request function left it, and reads the
    /// whole answer. The time-out is CloudFront's: for the answer's start, and
    /// then again for each of its parts.
    pub(super) async fn send(
        &self,
        flow: &Flow,
        read_timeout: Duration,
    ) -> Result<Stored, Refusal> {
        let request = self.request(flow)?;
        let sent = async {
            if let Some(reader) = self.reader(flow) {
                return reader.client.request(request).await.map_err(drop);
            }
            match &self.origins {
                Origins::StandIn { client, .. } | Origins::Endpoint { client, .. } => {
                    client.request(request).await.map_err(drop)
                }
                Origins::Aws(client) => client.request(request).await.map_err(drop),
            }
        };
        let answer = timeout(read_timeout, sent).await;
        let answer = answer.map_err(|_| Refusal::OriginTimedOut)?;
        let (parts, body) = answer.map_err(|_| Refusal::OriginUnreachable)?.into_parts();
        let body = local_http::read_within(body, ANSWER_BYTES, read_timeout).await;
        let body = body.map_err(|error| match error {
            BodyError::TooLarge => Refusal::AnswerTooLarge,
            BodyError::Broken => Refusal::OriginUnreachable,
            BodyError::Stalled => Refusal::OriginTimedOut,
        })?;
        let mut stored = Stored {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        response_headers::strip(&mut stored.headers);
        Ok(stored)
    }

    fn request(&self, flow: &Flow) -> Result<Request<Full<Bytes>>, Refusal> {
        let unreachable = || Refusal::OriginUnreachable;
        let request = &flow.request;
        let mut wire = Request::new(Full::new(flow.body.clone()));
        *wire.method_mut() =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| unreachable())?;
        *wire.uri_mut() = self.uri(flow)?;
        let mut headers = event::to_wire(&request.headers);
        // The client frames the body itself, replaced or not.
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::TRANSFER_ENCODING);
        // After the function, which knows of it only by signing it.
        let id = HeaderValue::from_str(&flow.id).map_err(|_| unreachable())?;
        // CloudFront's own, in the place of a viewer's of the same name.
        for (name, values) in custom(flow, "customHeaders")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreachable())?;
            let value = values
                .pointer("/0/value")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let value = HeaderValue::from_str(value).map_err(|_| unreachable())?;
            headers.insert(name, value);
        }
        headers.insert(HeaderName::from_static("x-amz-cf-id"), id);
        *wire.headers_mut() = headers;
        Ok(wire)
    }

    /// The way to the reader, where the request goes there.
    fn reader(&self, flow: &Flow) -> Option<&Route> {
        let domain = custom(flow, "domainName").and_then(Value::as_str);
        let reader = self.reader.as_ref();
        reader.filter(|reader| domain == Some(reader.host.as_str()))
    }

    fn uri(&self, flow: &Flow) -> Result<Uri, Refusal> {
        let request = &flow.request;
        let text = |key: &str| {
            custom(flow, key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let domain = text("domainName");
        let reader = self.reader(flow).map(|reader| reader.address);
        let base = match (&self.origins, reader) {
            (_, Some(address)) => format!("http://{address}"),
            // A name that isn't the service's has no address here.
            (Origins::StandIn { hosts, .. }, _) if !hosts.iter().any(|h| h == domain) => {
                return Err(Refusal::OriginUnreachable);
            }
            (Origins::StandIn { address, .. } | Origins::Endpoint { address, .. }, _) => {
                format!("http://{address}")
            }
            (Origins::Aws(_), _) => match custom(flow, "port").and_then(Value::as_u64) {
                None | Some(443) => format!("https://{domain}"),
                Some(port) => format!("https://{domain}:{port}"),
            },
        };
        let question = if request.querystring.is_empty() {
            ""
        } else {
            "?"
        };
        format!(
            "{base}{}{}{question}{}",
            text("path"),
            request.uri,
            request.querystring
        )
        .parse()
        .map_err(|_| Refusal::OriginUnreachable)
    }
}

/// A part of the request's origin, as the origin-request function left it.
fn custom<'a>(flow: &'a Flow, key: &str) -> Option<&'a Value> {
    flow.request.origin.as_ref()?.get("custom")?.get(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Credentials,
        healthimaging::{Policy, StandIn},
        testing,
    };
    use serde_json::json;
    use std::sync::Arc;

    fn flow(domain: &str) -> Flow {
        let request = json!({
            "method": "GET", "uri": "/a%20b", "querystring": "c=d", "clientIp": "", "headers": {},
            "origin": {"custom": {"domainName": domain, "port": 443, "path": "/p", "protocol": "https"}},
        });
        Flow {
            request: serde_json::from_value(request).unwrap(),
            body: Bytes::new(),
            id: "id".to_owned(),
        }
    }

    #[test]
    fn aws_is_reached_by_https_under_the_origins_own_name() {
        let aws = |endpoint| OriginServer::Aws {
            credentials: Arc::new(|| Box::pin(async { Credentials::random() })),
            endpoint,
        };
        let upstream = Upstream::new(&aws(None), None).unwrap();
        let uri = upstream.uri(&flow(testing::NATIVE_HOST)).unwrap();
        assert_eq!(
            uri.to_string(),
            format!("https://{}/p/a%20b?c=d", testing::NATIVE_HOST)
        );
        let own = aws(Some(([127, 0, 0, 1], 8000).into()));
        let upstream = Upstream::new(&own, None).unwrap();
        let uri = upstream.uri(&flow(testing::NATIVE_HOST)).unwrap();
        assert_eq!(uri.to_string(), "http://127.0.0.1:8000/p/a%20b?c=d");
    }

    #[tokio::test]
    async fn the_stand_in_is_reached_under_its_names_alone() {
        let config = serde_json::from_value(
            json!({"region": "us-east-1", "nativeHost": testing::NATIVE_HOST, "logLevel": "warn"}),
        );
        let package = testing::package(|_| {});
        let policy = Policy::of(&crate::package::read(package.path()).unwrap());
        let credentials = Credentials::random().unwrap();
        let stand_in = StandIn::start(
            &config.unwrap(),
            credentials,
            policy,
            crate::healthimaging::embedded().unwrap(),
        )
        .await
        .unwrap();
        let address = stand_in.address();
        let upstream = Upstream::new(&OriginServer::StandIn(Arc::new(stand_in)), None).unwrap();
        let uri = upstream.uri(&flow(testing::NATIVE_HOST)).unwrap();
        assert_eq!(uri.to_string(), format!("http://{address}/p/a%20b?c=d"));
        assert_eq!(
            upstream.uri(&flow("example.org")).unwrap_err(),
            Refusal::OriginUnreachable
        );
    }
    /// Asks an origin that writes these parts, so far apart, and then nothing. Each is waited for as long.
    async fn ask(
        parts: &'static [&'static str],
        apart: Duration,
        wait: Duration,
    ) -> Result<Stored, Refusal> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let origin = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            for part in parts {
                let _ = stream.write_all(part.as_bytes()).await;
                tokio::time::sleep(apart).await;
            }
            std::future::pending::<()>().await;
        });
        let upstream = Upstream {
            origins: Origins::StandIn {
                client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
                address,
                hosts: vec![testing::NATIVE_HOST.to_owned()],
            },
            reader: None,
        };
        let answer = upstream.send(&flow(testing::NATIVE_HOST), wait).await;
        origin.abort();
        answer
    }

    #[tokio::test]
    async fn every_wait_has_the_time_out_of_its_own() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
        // All together take longer than each may; and each may be late by seconds, on a busy machine.
        let (apart, wait) = (Duration::from_secs(2), Duration::from_millis(7_500));
        let slow = ask(&[HEAD, "a", "b", "c", "d"], apart, wait).await.unwrap();
        assert_eq!(slow.body, "abcd");
        for stalled in [&[][..], &[HEAD], &[HEAD, "a", "b"]] {
            let (apart, wait) = (Duration::from_millis(60), Duration::from_millis(150));
            let answer = ask(stalled, apart, wait).await;
            assert_eq!(answer.unwrap_err(), Refusal::OriginTimedOut, "{stalled:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_named() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n";
        let minute = Duration::from_secs(60);
        let refusal = ask(&[HEAD], minute, minute).await.unwrap_err();
        assert_eq!(refusal, Refusal::AnswerTooLarge);
        let page = refusal.answer("id").body;
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("larger than the local edge keeps"), "{page}");
    }
}
