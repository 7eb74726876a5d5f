//! The edge as a whole, with processes that misbehave on demand.

mod caching;
mod functions;
mod lifetime;
mod ranges;
mod requests;
mod response_headers;
mod screening;

use super::{CloudFront, Options, OriginServer, RequestLog};
use crate::{
    Credentials,
    healthimaging::{Policy, StandIn},
    testing,
};
use bytes::Bytes;
use frames_edge::{LogLevel, SignerConfig};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

struct Setup {
    edge: CloudFront,
    stand_in: Arc<StandIn>,
    requests: Arc<Mutex<Vec<RequestLog>>>,
    lines: Arc<Mutex<Vec<String>>>,
    _package: tempfile::TempDir,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Setup {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut testing::Parts)) -> Self {
        let package = testing::package(change);
        let config = SignerConfig {
            region: "us-east-1".to_owned(),
            native_host: testing::NATIVE_HOST.to_owned(),
            dicomweb_host: None,
            metadata: false,
            cached_reads: false,
            log_level: LogLevel::Warn,
        };
        let read = crate::package::read(package.path()).unwrap();
        let policy = Policy::of(&read);
        let credentials = Credentials::random().unwrap();
        let stand_in = StandIn::start(
            &config,
            credentials,
            policy,
            crate::healthimaging::embedded().unwrap(),
        )
        .await
        .unwrap();
        let stand_in = Arc::new(stand_in);
        let (requests, lines) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (logged, told) = (requests.clone(), lines.clone());
        let options = Options {
            port: 0,
            origin: OriginServer::StandIn(stand_in.clone()),
            requests: Arc::new(move |request| logged.lock().unwrap().push(request.clone())),
            functions: Arc::new(move |name, line| {
                told.lock().unwrap().push(format!("{name} {line}"))
            }),
        };
        let edge = CloudFront::start(read, options).await.unwrap();
        Self {
            edge,
            stand_in,
            requests,
            lines,
            _package: package,
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Reply {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.edge.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .unwrap();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, "").await
    }

    async fn viewer(&self, order: &str) -> Reply {
        self.get("/a", &[("x-viewer", order)]).await
    }
}

const CONFIG: &str = "/Resources/Distribution/Properties/DistributionConfig";
