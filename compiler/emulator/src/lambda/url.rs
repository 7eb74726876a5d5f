//! A function URL: an HTTP server in front of a function, which answers whoever signs for
//! it and may call it. `AuthType` is `AWS_IAM`, `InvokeMode` is `RESPONSE_STREAM`.
//!
//! Sources: "Invoking Lambda function URLs" and "Control access to Lambda function URLs",
//! AWS Lambda Developer Guide. Not modelled: cookies, and a body in the event. The reader
//! takes neither.

use super::{Failure, Pool, stream::Parts};
use crate::{
    CredentialsSource, Error, FunctionLog,
    http::{self as local_http, Answer},
    package::Reader,
    random,
    signature::{self, Signer},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// SigV4's name of Lambda.
const SERVICE: &str = "lambda";
/// Lambda's own bound on an event.
const BODY_BYTES: usize = 6 * 1024 * 1024;

type Reply = Response<Either<Parts, Full<Bytes>>>;

/// The URL, listening. It ends when it is dropped.
pub(crate) struct FunctionUrl {
    server: local_http::Server,
    host: String,
}

struct State {
    pool: Arc<Pool>,
    host: String,
    region: String,
    callable: bool,
    caller: CredentialsSource,
    log: FunctionLog,
}

impl FunctionUrl {
    /// Puts it in front of a reader. `caller` has the credentials of the
    /// signer's role.
    pub(crate) async fn start(
        reader: &Reader,
        pool: Arc<Pool>,
        caller: CredentialsSource,
        log: FunctionLog,
    ) -> Result<Self, Error> {
        let state = Arc::new(State {
            pool,
            host: reader.host.clone(),
            region: reader.region.clone(),
            callable: reader.callable,
            caller,
            log,
        });
        let listener = local_http::bind(0).await?;
        let server = local_http::serve(listener, move |request, _| {
            let state = state.clone();
            async move { state.answer(request).await }
        })?;
        Ok(Self {
            server,
            host: reader.host.clone(),
        })
    }

    /// Ends it: its port is closed, and its function's processes are killed.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// A function URL is reported to send an answer's own length under another name, and the body in
/// chunks. AWS's pages don't say so: this is the worse case, in which a cut shows by the chunks only.
fn renamed(mut headers: HeaderMap) -> HeaderMap {
    if let Some(length) = headers.remove(header::CONTENT_LENGTH) {
        headers.insert(
            HeaderName::from_static("x-amzn-remapped-content-length"),
            length,
        );
    }
    headers
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let request = match self.admitted(request).await {
            Ok(request) => request,
            Err(answer) => return answer.map(Either::Right),
        };
        let event = event(&request, &self.host);
        match self.pool.stream(event).await {
            Ok(streamed) => {
                let mut answer = Response::new(Either::Left(streamed.body));
                *answer.status_mut() = streamed.status;
                *answer.headers_mut() = renamed(streamed.headers);
                answer
            }
            Err(failure) => {
                let why = match failure {
                    Failure::TimedOut => {
                        "it took longer than its Timeout and was killed".to_owned()
                    }
                    Failure::Failed(why) => why,
                };
                (self.log)(self.pool.name(), &format!("failed: {why}"));
                let answer = refused(StatusCode::BAD_GATEWAY, "Internal Server Error", None);
                answer.map(Either::Right)
            }
        }
    }

    /// Host, then signature, then policy: a caller that didn't sign learns nothing, and no
    /// event of its reaches the function.
    async fn admitted(&self, request: Request<Incoming>) -> Result<Request<Bytes>, Answer> {
        let forbidden = || {
            refused(
                StatusCode::FORBIDDEN,
                "Forbidden",
                Some("AccessDeniedException"),
            )
        };
        let (parts, body) = request.into_parts();
        let hosts: Vec<&HeaderValue> = parts.headers.get_all(header::HOST).iter().collect();
        if !matches!(hosts.as_slice(), [only] if *only == self.host.as_str()) {
            return Err(forbidden());
        }
        let Ok(body) = local_http::read(body, BODY_BYTES).await else {
            return Err(refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Request Too Long",
                None,
            ));
        };
        let caller = (self.caller)().await.map_err(|_| forbidden())?;
        let signer = Signer {
            service: SERVICE,
            region: &self.region,
            credentials: &caller,
            by_cloudfront: true,
        };
        let request = Request::from_parts(parts, body);
        let verified = signature::verify(request, &signer, SystemTime::now()).await;
        let request = verified.map_err(|refused_as| match refused_as.class {
            "MissingAuthenticationTokenException" => forbidden(),
            class => refused(StatusCode::FORBIDDEN, refused_as.message, Some(class)),
        })?;
        if self.callable {
            Ok(request)
        } else {
            Err(forbidden())
        }
    }
}

fn refused(status: StatusCode, message: &str, class: Option<&'static str>) -> Answer {
    let mut answer = local_http::json(status, &json!({"Message": message}));
    if let Some(class) = class {
        let class = HeaderValue::from_static(class);
        answer.headers_mut().insert("x-amzn-errortype", class);
    }
    answer
}

/// The event of payload format 2.0. The signature stays out of it.
fn event(request: &Request<Bytes>, host: &str) -> Bytes {
    let mut headers = Map::new();
    for name in request
        .headers()
        .keys()
        .filter(|name| *name != header::AUTHORIZATION)
    {
        let values: Vec<String> = request
            .headers()
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        headers.insert(name.as_str().to_owned(), json!(values.join(",")));
    }
    let query = request.uri().query().unwrap_or_default();
    let mut parameters: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.insert(name.to_owned(), json!(value));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.uri().path(),
        "rawQueryString": query,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": host.split('.').next(),
            "domainName": host,
            "domainPrefix": host.split('.').next(),
            "http": {
                "method": request.method().as_str(),
                "path": request.uri().path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": header("user-agent"),
            },
            "requestId": random::uuid().unwrap_or_default(),
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": now.as_millis() as u64,
        },
        "isBase64Encoded": !request.body().is_empty(),
    });
    if let Some(event) = event.as_object_mut() {
        event.insert("headers".to_owned(), headers.into());
        if !parameters.is_empty() {
            event.insert("queryStringParameters".to_owned(), parameters.into());
        }
        if !request.body().is_empty() {
            let body = STANDARD.encode(request.body());
            event.insert("body".to_owned(), json!(body));
        }
    }
    event.to_string().into()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::{
        package,
        signature::tests::{Draft, credentials},
        testing,
    };
    use http_body_util::BodyExt;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    use sha2::{Digest, Sha256};
    use std::sync::Mutex;

    struct Setup {
        url: FunctionUrl,
        host: &'static str,
        lines: Arc<Mutex<Vec<String>>>,
        _package: tempfile::TempDir,
    }

    /// The status, the body, and whether that is whole.
    type Got = (u16, String, bool);

    impl Setup {
        async fn new(change: impl FnOnce(&mut testing::Parts)) -> Self {
            let package = testing::package(|parts| {
                parts.read_by_url();
                change(parts);
            });
            let reader = package::read(package.path()).unwrap().reader.unwrap();
            let lines: Arc<Mutex<Vec<String>>> = Arc::default();
            let told = lines.clone();
            let log: FunctionLog =
                Arc::new(move |_, line| told.lock().unwrap().push(line.to_owned()));
            let signer: CredentialsSource = Arc::new(|| Box::pin(async { Ok(credentials()) }));
            let pool = Pool::new(
                reader.function.clone(),
                signer.clone(),
                log.clone(),
                None,
                None,
            );
            let pool = Arc::new(pool.unwrap());
            let url = FunctionUrl::start(&reader, pool, signer, log)
                .await
                .unwrap();
            Self {
                url,
                host: Box::leak(reader.host.into_boxed_str()),
                lines,
                _package: package,
            }
        }

        /// A request as the signer makes it, with this query.
        fn draft(&self, query: &'static str) -> Draft {
            let mut draft = Draft {
                region: "us-west-2",
                service: "lambda",
                method: "GET",
                path: "/a",
                query,
                body: "",
                ..Draft::new()
            };
            let empty = format!("{:x}", Sha256::digest(b""));
            let now = chrono::DateTime::<chrono::Utc>::from(SystemTime::now());
            draft.headers.retain(|(name, _)| *name != "content-type");
            draft.set("host", self.host);
            draft.set("x-amz-content-sha256", &empty);
            draft.set("x-amz-date", &now.format("%Y%m%dT%H%M%SZ").to_string());
            draft
        }

        async fn send(&self, mut request: Request<Bytes>) -> Got {
            let target = request.uri().path_and_query().unwrap().clone();
            *request.uri_mut() = format!("http://{}{target}", self.url.address())
                .parse()
                .unwrap();
            let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
            let answer = client.request(request.map(Full::new)).await.unwrap();
            let (parts, mut body) = answer.into_parts();
            let (mut text, mut whole) = (String::new(), true);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => text += std::str::from_utf8(frame.data_ref().unwrap()).unwrap(),
                    Err(_) => whole = false,
                }
            }
            (parts.status.as_u16(), text, whole)
        }

        async fn get(&self, query: &'static str) -> Got {
            self.send(self.draft(query).sign()).await
        }
    }

    #[tokio::test]
    async fn a_stream_comes_through_whole_or_not_at_all() {
        let setup = Setup::new(|_| {}).await;
        let whole = (200, "begun and ended".to_owned(), true);
        assert_eq!(setup.get("end=whole").await, whole);
        // A process that is gone before its connection was looked at has begun nothing.
        let (status, text, is_whole) = setup.get("end=crash").await;
        assert_ne!((status, is_whole), (200, true), "{text}");
        for broken in ["end=cut", "end=error"] {
            let (status, text, is_whole) = setup.get(broken).await;
            assert_eq!((status, is_whole), (200, false), "{broken}");
            assert!("begun and ended".starts_with(&text), "{broken}: {text}");
        }
        let (status, text, _) = setup.get("mode=none").await;
        assert_eq!(status, 502, "{text}");
        let line = "failed: its answer isn't a stream with a prelude";
        assert!(setup.lines.lock().unwrap().contains(&line.to_owned()));
        // More than the 6 MB of an answer that isn't streamed.
        let (_, text, is_whole) = setup.get("end=large").await;
        assert_eq!((text.len(), is_whole), (9 * 1024 * 1024 + 6, true));
        assert_eq!(setup.get("end=whole").await, whole);
    }

    #[tokio::test]
    async fn a_function_that_hangs_is_killed_in_the_middle_of_its_answer() {
        let setup = Setup::new(|parts| {
            let reads = parts.reads.as_mut().unwrap();
            reads["Resources"]["readerFn"]["Properties"]["Timeout"] = json!(testing::SOON);
        })
        .await;
        let (status, text, whole) = setup.get("end=hang").await;
        assert_eq!((status, text.as_str(), whole), (200, "begun ", false));
        let (_, text, whole) = setup.get("end=whole").await;
        assert_eq!((text.as_str(), whole), ("begun and ended", true));
    }

    #[tokio::test]
    async fn the_event_is_of_payload_format_two() {
        let setup = Setup::new(|_| {}).await;
        let (_, text, _) = setup.get("end=event").await;
        let event: Value = serde_json::from_str(text.strip_prefix("begun ").unwrap()).unwrap();
        for (place, wanted) in [
            ("/version", json!("2.0")),
            ("/rawPath", json!("/a")),
            ("/rawQueryString", json!("end=event")),
            ("/queryStringParameters/end", json!("event")),
            ("/requestContext/http/method", json!("GET")),
            ("/requestContext/domainName", json!(setup.host)),
            ("/headers/x-amz-cf-id", json!("cf==")),
            ("/isBase64Encoded", json!(false)),
        ] {
            assert_eq!(event.pointer(place), Some(&wanted), "{place}");
        }
        let text = text.to_lowercase();
        assert!(!text.contains("signature=") && event.pointer("/body").is_none());
    }

    #[tokio::test]
    async fn only_what_the_signer_signed_for_it_reaches_the_function() {
        let setup = Setup::new(|_| {}).await;
        let mut refused = Vec::new();
        let unsigned = {
            let mut request = setup.draft("end=whole").sign();
            request.headers_mut().remove("authorization");
            request
        };
        refused.push(unsigned);
        for (region, service) in [("us-east-1", "lambda"), ("us-west-2", "medical-imaging")] {
            let mut draft = setup.draft("end=whole");
            (draft.region, draft.service) = (region, service);
            refused.push(draft.sign());
        }
        let mut draft = setup.draft("end=whole");
        draft.secret = "9876543210987654321098765432109876543210";
        refused.push(draft.sign());
        let mut draft = setup.draft("end=whole");
        draft.set("host", "other.lambda-url.us-west-2.on.aws");
        refused.push(draft.sign());
        let mut changed = setup.draft("end=whole").sign();
        *changed.uri_mut() = "/b?end=whole".parse().unwrap();
        refused.push(changed);
        for request in refused {
            let told = format!("{request:?}");
            let (status, text, _) = setup.send(request).await;
            assert_eq!(status, 403, "{told}");
            assert!(!text.contains("begun"), "{told}");
        }
        assert!(setup.lines.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_role_that_may_not_call_it_is_refused() {
        let without = |name: &'static str| {
            move |parts: &mut testing::Parts| {
                let reads = parts.reads.as_mut().unwrap();
                reads["Resources"].as_object_mut().unwrap().remove(name);
            }
        };
        for name in ["UrlPermission", "RunPermission"] {
            let setup = Setup::new(without(name)).await;
            assert_eq!(setup.get("end=whole").await.0, 403, "{name}");
        }
        // By the role's own policy it may, too: for the alias, whose URL it is.
        for (name, status) in [("test-reader:live", 200), ("test-reader", 403)] {
            let setup = Setup::new(|parts| {
                without("RunPermission")(parts);
                let statements = &mut parts.lambda["Resources"]["originRole"]["Properties"]
                    ["Policies"][0]["PolicyDocument"]["Statement"];
                let arn = format!(
                    "arn:${{AWS::Partition}}:lambda:us-west-2:${{AWS::AccountId}}:function:{name}"
                );
                statements.as_array_mut().unwrap().push(json!({
                    "Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [{"Fn::Sub": arn}],
                    "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
                }));
            })
            .await;
            assert_eq!(setup.get("end=whole").await.0, status, "{name}");
        }
        let setup = Setup::new(|parts| {
            let statements = &mut parts.lambda["Resources"]["originRole"]["Properties"]["Policies"]
                [0]["PolicyDocument"]["Statement"];
            let denial = json!({"Effect": "Deny", "Action": "lambda:*", "Resource": "*"});
            statements.as_array_mut().unwrap().push(denial);
        })
        .await;
        assert_eq!(setup.get("end=whole").await.0, 403);
    }
}
