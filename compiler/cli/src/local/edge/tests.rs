//! The edge as a whole, with processes that misbehave on demand.

use super::{CacheResult, Edge, Options, Origin, RequestLog};
use crate::local::{
    Credentials,
    origin::{Policy, StandIn},
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
    edge: Edge,
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
            log_level: LogLevel::Warn,
        };
        let policy = Policy::read(package.path()).unwrap();
        let credentials = Credentials::random().unwrap();
        let stand_in = StandIn::start(&config, credentials, policy).await.unwrap();
        let stand_in = Arc::new(stand_in);
        let (requests, lines) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (logged, told) = (requests.clone(), lines.clone());
        let options = Options {
            port: 0,
            origin: Origin::StandIn(stand_in.clone()),
            requests: Arc::new(move |request| logged.lock().unwrap().push(request.clone())),
            functions: Arc::new(move |name, line| {
                told.lock().unwrap().push(format!("{name} {line}"))
            }),
        };
        let edge = Edge::start(package.path(), options).await.unwrap();
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

#[tokio::test]
async fn nonsense_from_a_function_is_a_502() {
    let setup = Setup::new().await;
    for order in ["junk", "null", "method", "host", "edge-header", "large"] {
        let reply = setup.viewer(order).await;
        assert_eq!(reply.status, 502, "{order}");
        assert_eq!(
            reply.header("x-cache"),
            "LambdaValidationError from cloudfront"
        );
        assert_eq!(reply.header("content-type"), "text/html");
    }
    for order in ["junk", "method", "edge-header"] {
        let reply = setup.get("/a", &[("x-origin", order)]).await;
        assert_eq!(reply.status, 502, "{order}");
    }
    let lines = setup.lines.lock().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("`method` is read-only")),
        "{lines:?}"
    );
    assert!(setup.stand_in.seen().is_empty());
}

const CONFIG: &str = "/Resources/Distribution/Properties/DistributionConfig";

#[tokio::test]
async fn a_country_that_is_not_served_gets_a_403_before_any_function_runs() {
    for (kind, refused, served) in [("whitelist", "DE", "US"), ("blacklist", "us", "DE")] {
        let setup = Setup::with(|parts| {
            parts.cdn.pointer_mut(CONFIG).unwrap()["Restrictions"] =
                json!({"GeoRestriction": {"RestrictionType": kind, "Locations": ["US", "CA"]}});
        })
        .await;
        let from = async |country| {
            let headers = [
                ("CloudFront-Viewer-Country", country),
                ("x-viewer", "cached"),
            ];
            setup.get("/a", &headers).await
        };
        let reply = from(refused).await;
        assert_eq!(reply.status, 403, "{kind}");
        assert_eq!(reply.header("x-cache"), "Error from cloudfront");
        let page = String::from_utf8_lossy(&reply.body);
        assert!(page.contains("block access from your country"), "{page}");
        assert_eq!(from(served).await.body, "1", "{kind}: the first to be run");
        assert_eq!(setup.viewer("cached").await.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn a_web_acl_is_noted_and_ignored() {
    let setup = Setup::with(|parts| {
        parts.cdn.pointer_mut(CONFIG).unwrap()["WebACLId"] = json!("arn:aws:wafv2:…");
    })
    .await;
    assert!(setup.edge.notes()[0].contains("WAF"));
    assert_eq!(setup.viewer("cached").await.status, 200);
    assert!(Setup::new().await.edge.notes().is_empty());
}

#[tokio::test]
async fn a_failing_function_is_a_503_and_comes_back() {
    let setup = Setup::new().await;
    let first = setup.viewer("who").await.json();
    let failed = setup.viewer("fail").await;
    assert_eq!(
        (failed.status.as_u16(), failed.header("x-cache")),
        (503, "LambdaExecutionError from cloudfront")
    );
    // A reported error keeps its sandbox; a crash doesn't.
    assert_eq!(setup.viewer("who").await.json()["pid"], first["pid"]);
    assert_eq!(setup.viewer("crash").await.status, 503);
    let third = setup.viewer("who").await.json();
    assert_ne!(third["pid"], first["pid"]);
    assert_eq!(third["served"], 1);
    let lines = setup.lines.lock().unwrap();
    assert!(
        !lines.iter().any(|line| line.contains("secret-message")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_hanging_function_is_a_504_and_is_killed() {
    let setup = Setup::new().await;
    let first = setup.viewer("who").await.json();
    assert_eq!(setup.viewer("hang").await.status, 504);
    assert_ne!(setup.viewer("who").await.json()["pid"], first["pid"]);
    assert!(is_gone(&first["pid"]).await);
}

#[tokio::test]
async fn a_function_has_lambdas_environment_and_nothing_more() {
    let setup = Setup::new().await;
    let mut names: Vec<String> =
        serde_json::from_slice(&setup.viewer("environment").await.body).unwrap();
    // The shell that starts the test's program adds these.
    names.retain(|name| !matches!(name.as_str(), "PWD" | "OLDPWD" | "SHLVL" | "_"));
    names.sort();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "PATH",
        "TZ",
        "_HANDLER",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn invocations_share_four_sandboxes() {
    let setup = Setup::new().await;
    let [a, b, c, d, e, f] = tokio::join!(
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow"),
        setup.viewer("slow")
    )
    .into();
    let mut pids: Vec<Bytes> = [a, b, c, d, e, f]
        .into_iter()
        .map(|reply| reply.body)
        .collect();
    assert!(pids.iter().all(|pid| !pid.is_empty()));
    pids.sort();
    pids.dedup();
    assert!((2..=4).contains(&pids.len()), "{pids:?}");
}

#[tokio::test]
async fn what_was_fetched_once_is_a_hit_for_the_same_key() {
    let setup = Setup::new().await;
    let cached = [("x-origin", "cached"), ("accept", "image/jph")];
    let first = setup.get("/a?set=1&token=t1", &cached).await;
    assert_eq!(
        (first.header("x-cache"), &first.body[..]),
        ("LambdaGeneratedResponse from cloudfront", &b"1"[..])
    );
    assert_eq!(first.header("x-content-type-options"), "nosniff");
    let second = setup.get("/a?token=t2&set=1", &cached).await;
    assert_eq!(
        (
            second.header("x-cache"),
            second.header("age"),
            &second.body[..]
        ),
        ("Hit from cloudfront", "0", &b"1"[..])
    );
    let head = setup.send("HEAD", "/a?set=1", &cached, "").await;
    assert_eq!(
        (
            head.header("x-cache"),
            head.header("content-length"),
            head.body.len()
        ),
        ("Hit from cloudfront", "1", 0)
    );
    for (path, accept) in [
        ("/a?set=2", "image/jph"),
        ("/a?set=1", "*/*"),
        ("/b?set=1", "image/jph"),
    ] {
        let other = setup
            .get(path, &[("x-origin", "cached"), ("accept", accept)])
            .await;
        assert_ne!(other.body, "1", "{path} {accept}");
    }
    let post = setup.send("POST", "/a?set=1", &cached, "x").await;
    assert_ne!(post.header("x-cache"), "Hit from cloudfront");
    let caches: Vec<CacheResult> = setup
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|r| r.cache)
        .collect();
    use CacheResult::{Hit, Miss, None};
    assert_eq!(caches, [Miss, Hit, Hit, Miss, Miss, Miss, None]);
}

#[tokio::test]
async fn what_may_not_be_kept_is_asked_for_again() {
    let setup = Setup::new().await;
    for order in ["missing", "who"] {
        let first = setup.get("/n", &[("x-origin", order)]).await;
        let second = setup.get("/n", &[("x-origin", order)]).await;
        assert_ne!(first.body, second.body, "{order}");
        assert!(!second.header("x-cache").starts_with("Hit"));
    }
}

#[tokio::test]
async fn an_unsigned_request_is_refused_at_the_origin() {
    let setup = Setup::new().await;
    setup.stand_in.watch_for("viewers-token");
    let reply = setup
        .send(
            "POST",
            "/p?token=viewers-token",
            &[("authorization", "Bearer viewers-token")],
            "{}",
        )
        .await;
    assert_eq!(reply.status, 403);
    assert_eq!(
        reply.header("x-amzn-errortype"),
        "MissingAuthenticationTokenException"
    );
    assert_eq!(reply.header("x-cache"), "Error from cloudfront");
    let seen = setup.stand_in.seen();
    let [seen] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(
        (seen.query.as_str(), seen.leaked, seen.host.as_str()),
        ("", false, testing::NATIVE_HOST)
    );
    assert!(seen.header_names.contains(&"x-amz-cf-id".to_owned()));
}

#[tokio::test]
async fn the_origin_event_has_the_body_and_the_forwarded_parts_alone() {
    let setup = Setup::new().await;
    let headers = [
        ("x-origin", "event"),
        ("x-secret", "1"),
        ("accept", "a"),
        ("x-amz-cf-id", "forged"),
    ];
    let event = setup
        .send("POST", "/e?set=1&token=2", &headers, "hello")
        .await
        .json();
    assert_eq!(event["body"]["data"], "aGVsbG8=");
    assert_eq!(event["querystring"], "set=1");
    let names: Vec<&String> = event["headers"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "accept",
            "content-length",
            "host",
            "user-agent",
            "via",
            "x-forwarded-for",
            "x-origin"
        ]
    );
    assert_eq!(event["headers"]["host"][0]["value"], testing::NATIVE_HOST);
    let viewers = setup
        .send("POST", "/e?token=2", &[("x-viewer", "event")], "hello")
        .await
        .json();
    assert_eq!(viewers["querystring"], "token=2");
    assert!(viewers.get("body").is_none() && viewers.get("origin").is_none());
}

#[tokio::test]
async fn cloudfronts_own_refusals() {
    let setup = Setup::new().await;
    assert_eq!(setup.send("POST", "/get-only/a", &[], "").await.status, 403);
    assert_eq!(
        setup
            .send("POST", "/Get-only/a", &[("x-viewer", "who")], "")
            .await
            .status,
        200
    );
    assert_eq!(setup.send("GET", "/a", &[], "body").await.status, 403);
    assert_eq!(
        setup
            .get(&format!("/{}", "a".repeat(8_192)), &[])
            .await
            .status,
        414
    );
    assert_eq!(
        setup
            .get("/a", &[("x-long", &"a".repeat(20_480))])
            .await
            .status,
        494
    );
    assert_eq!(
        setup.get("/a", &[("host", "evil.example")]).await.status,
        403
    );
    let logged = setup.requests.lock().unwrap();
    assert!(
        logged
            .iter()
            .all(|r| r.path.len() <= 1_030 && !r.path.contains('?'))
    );
}

/// What the edge answers to these bytes, up to the end of the head.
async fn raw(setup: &Setup, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(setup.edge.address())
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part);
        let count = tokio::time::timeout(std::time::Duration::from_secs(5), read).await;
        let count = count.expect("an answer within 5 s").unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_refused_method_is_not_waited_for() {
    let setup = Setup::new().await;
    let host = setup.edge.address();
    let head = format!("POST /get-only/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n");
    let answer = raw(&setup, &head).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn a_request_names_this_edge_once() {
    let setup = Setup::new().await;
    let host = setup.edge.address();
    for (request, status) in [
        (
            format!("GET http://{host}/a HTTP/1.1\r\nHost: {host}\r\nX-Viewer: who\r\n"),
            200,
        ),
        (
            format!("GET /a HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n"),
            400,
        ),
        (
            format!("GET /a HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n"),
            400,
        ),
        ("GET /a HTTP/1.1\r\n".to_owned(), 400),
        (
            format!("GET http://evil.example/a HTTP/1.1\r\nHost: {host}\r\n"),
            400,
        ),
        (
            format!("GET http://{host}/a HTTP/1.1\r\nHost: evil.example\r\n"),
            403,
        ),
    ] {
        let answer = raw(&setup, &format!("{request}\r\n")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}{answer}"
        );
    }
}

#[tokio::test]
async fn no_log_line_carries_a_control_sequence() {
    let setup = Setup::new().await;
    let host = setup.edge.address();
    raw(
        &setup,
        &format!("GET /\u{202e}a\u{9b}b HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    )
    .await;
    setup.viewer("print").await;
    let paths: Vec<String> = setup
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|r| r.path.clone())
        .collect();
    assert_eq!(paths, ["/\\u{202e}a\\u{9b}b", "/a"]);
    // The line comes by another way than the answer.
    for _ in 0..100 {
        let lines = setup.lines.lock().unwrap().join("\n");
        if lines.contains("printed") {
            assert!(lines.contains("\\u{1b}[2Jprinted\\u{202e}"), "{lines}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the function's line is missing");
}

#[tokio::test]
async fn no_cookie_is_handed_on_where_none_is_forwarded() {
    let setup = Setup::new().await;
    for _ in 0..2 {
        let reply = setup.get("/c", &[("x-origin", "cookie")]).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &b"1"[..]));
        assert_eq!(reply.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn a_log_line_has_the_contracts_shape() {
    let setup = Setup::new().await;
    setup.get("/a?token=t", &[("x-origin", "cached")]).await;
    let logged = setup.requests.lock().unwrap();
    let line = serde_json::to_value(&logged[0]).unwrap();
    assert_eq!(
        (
            &line["method"],
            &line["path"],
            &line["status"],
            &line["cache"]
        ),
        (&"GET".into(), &"/a".into(), &200.into(), &"miss".into())
    );
    assert!(line["ms"].as_f64().unwrap() >= line["stages"]["originRequest"].as_f64().unwrap());
    assert!(line["stages"]["viewerRequest"].is_number());
}

#[tokio::test]
async fn nothing_outlives_the_edge() {
    let setup = Setup::new().await;
    let who = setup.viewer("who").await.json();
    let address = setup.edge.address();
    drop(setup);
    assert!(is_gone(&who["pid"]).await);
    assert!(is_closed(address).await);
}

#[tokio::test]
async fn a_stopped_edge_is_gone_at_once() {
    let setup = Setup::new().await;
    let task_root = setup.viewer("root").await.json();
    let address = setup.edge.address();
    setup.edge.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(!std::path::Path::new(task_root.as_str().unwrap()).exists());
}

async fn is_closed(address: std::net::SocketAddr) -> bool {
    // The listener closes once its task is next polled.
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    false
}

/// Whether a process ends soon. A zombie has ended.
async fn is_gone(pid: &Value) -> bool {
    let path = format!("/proc/{pid}/stat");
    for _ in 0..100 {
        match std::fs::read_to_string(&path) {
            Ok(stat) if !stat.contains(") Z ") => {}
            _ => return true,
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    false
}
