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
use http::{HeaderValue, Request, Response, StatusCode, header};
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
                *answer.headers_mut() = streamed.headers;
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
