//! The Lambda Runtime API (2018-06-01) of one sandbox.

use super::{
    Failure, peer,
    stream::{self, Fault, Streamed},
};
use crate::{
    Error,
    http::{self as local_http, Answer, Server},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot, watch};

const BASE: &str = "/2018-06-01/runtime/";
/// Lambda's own bound on a synchronous answer.
const ANSWER_BYTES: usize = 6 * 1024 * 1024;

/// Where an invocation's answer goes.
pub(super) enum Reply {
    Whole(oneshot::Sender<Result<Bytes, Failure>>),
    /// `begun` gets it once it begins, `ended` is told how it ended.
    Streamed {
        begun: oneshot::Sender<Streamed>,
        ended: oneshot::Sender<Result<(), Failure>>,
    },
}

impl Reply {
    fn fail(self, why: &str) {
        let failure = Failure::Failed(why.to_owned());
        match self {
            Self::Whole(reply) => drop(reply.send(Err(failure))),
            Self::Streamed { ended, .. } => drop(ended.send(Err(failure))),
        }
    }
}

/// An event on its way to the process.
pub(super) struct Invocation {
    pub id: String,
    pub event: Bytes,
    pub deadline_ms: u128,
    pub arn: String,
    pub trace_id: String,
    pub reply: Reply,
}

/// How far the process has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    /// It has asked for its first event.
    Ready,
    InitFailed(String),
}

/// One sandbox's Runtime API, listening.
pub(super) struct Api {
    pub address: SocketAddr,
    pub phase: watch::Receiver<Phase>,
    events: mpsc::Sender<Invocation>,
    state: Arc<State>,
    _server: Server,
}

struct State {
    own: SocketAddr,
    /// 0 until the process runs.
    pid: AtomicU32,
    pending: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    current: Mutex<Option<(String, Reply)>>,
    phase: watch::Sender<Phase>,
}

/// The other end of one connection.
struct Peer {
    address: SocketAddr,
    /// It is the sandbox's process. Once that is seen, it stays so as long as the connection
    /// does. To ask anew at every call takes milliseconds: the system writes down all of its
    /// connections for each answer.
    is_own: AtomicBool,
}

impl Peer {
    fn is_process(&self, pid: u32, own: SocketAddr) -> bool {
        if self.is_own.load(Ordering::Acquire) {
            return true;
        }
        let is_own = peer::is_process(pid, self.address, own);
        self.is_own.store(is_own, Ordering::Release);
        is_own
    }
}

impl Api {
    pub(super) async fn start() -> Result<Self, Error> {
        let listener = local_http::bind(0).await?;
        let address = listener
            .local_addr()
            .map_err(|e| Error::new(format!("a listening socket has no address: {e}")))?;
        let (events, pending) = mpsc::channel(1);
        let (phase, watching) = watch::channel(Phase::Starting);
        let state = Arc::new(State {
            own: address,
            pid: AtomicU32::new(0),
            pending: tokio::sync::Mutex::new(pending),
            current: Mutex::new(None),
            phase,
        });
        let shared = state.clone();
        let server = local_http::serve_each(listener, move |address| {
            let peer = Arc::new(Peer {
                address,
                is_own: AtomicBool::new(false),
            });
            let state = shared.clone();
            move |request| {
                let (state, peer) = (state.clone(), peer.clone());
                async move { state.answer(request, &peer).await }
            }
        })?;
        Ok(Self {
            address,
            phase: watching,
            events,
            state,
            _server: server,
        })
    }

    /// From now on only this process is served.
    pub(super) fn serve_only(&self, pid: u32) {
        self.state.pid.store(pid, Ordering::Release);
    }

    pub(super) async fn send(&self, invocation: Invocation) -> Result<(), Failure> {
        let sent = self.events.send(invocation).await;
        sent.map_err(|_| Failure::Failed("the sandbox is gone".to_owned()))
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>, from: &Peer) -> Answer {
        let pid = self.pid.load(Ordering::Acquire);
        if !from.is_process(pid, self.own) {
            return refuse(
                StatusCode::FORBIDDEN,
                "NotThisSandbox",
                "this Runtime API serves its own process only",
            );
        }
        let path = request
            .uri()
            .path()
            .strip_prefix(BASE)
            .unwrap_or_default()
            .to_owned();
        let steps: Vec<&str> = path.split('/').collect();
        match (request.method(), steps.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.response(id, request).await,
            (&Method::POST, ["invocation", id, "error"]) => self.error(id, request).await,
            (&Method::POST, ["init", "error"]) => self.init_error(request).await,
            _ => refuse(
                StatusCode::NOT_FOUND,
                "NotFound",
                "no such call in the Runtime API",
            ),
        }
    }

    async fn next(&self) -> Answer {
        self.phase.send_replace(Phase::Ready);
        let Some(invocation) = self.pending.lock().await.recv().await else {
            return refuse(StatusCode::GONE, "Shutdown", "the sandbox is going down");
        };
        let mut answer = Response::new(Full::new(invocation.event));
        let headers = answer.headers_mut();
        let deadline = invocation.deadline_ms.to_string();
        set(headers, "content-type", "application/json");
        set(headers, "lambda-runtime-aws-request-id", &invocation.id);
        set(headers, "lambda-runtime-deadline-ms", &deadline);
        set(
            headers,
            "lambda-runtime-invoked-function-arn",
            &invocation.arn,
        );
        set(headers, "lambda-runtime-trace-id", &invocation.trace_id);
        *self.lock_current() = Some((invocation.id, invocation.reply));
        answer
    }

    async fn response(&self, id: &str, request: Request<Incoming>) -> Answer {
        let Some(reply) = self.take(id) else {
            return unknown_invocation();
        };
        let reply = match reply {
            Reply::Whole(reply) => reply,
            Reply::Streamed { begun, ended } => {
                let (head, body) = request.into_parts();
                let read = stream::read(&head.headers, body, begun).await;
                let told = read.map_err(|fault| Failure::Failed(fault.told().to_owned()));
                let _ = ended.send(told);
                return match read {
                    Ok(()) => accepted(),
                    Err(fault) => cut_short(fault),
                };
            }
        };
        match local_http::read(request.into_body(), ANSWER_BYTES).await {
            Ok(body) => {
                let _ = reply.send(Ok(body));
                accepted()
            }
            Err(local_http::BodyError::TooLarge) => {
                let _ = reply.send(Err(Failure::Failed("its answer is over 6 MB".to_owned())));
                refuse(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "RequestEntityTooLarge",
                    "an answer may have 6 MB",
                )
            }
            Err(local_http::BodyError::Broken | local_http::BodyError::Stalled) => {
                let _ = reply.send(Err(Failure::Failed("its answer broke off".to_owned())));
                refuse(
                    StatusCode::BAD_REQUEST,
                    "BrokenBody",
                    "the answer broke off",
                )
            }
        }
    }

    async fn error(&self, id: &str, request: Request<Incoming>) -> Answer {
        let Some(reply) = self.take(id) else {
            return unknown_invocation();
        };
        reply.fail(&error_class(request).await);
        accepted()
    }

    async fn init_error(&self, request: Request<Incoming>) -> Answer {
        let class = error_class(request).await;
        self.phase.send_replace(Phase::InitFailed(class));
        accepted()
    }

    fn take(&self, id: &str) -> Option<Reply> {
        let mut current = self.lock_current();
        let is_current = current.as_ref().is_some_and(|(held, _)| held == id);
        is_current
            .then(|| current.take().map(|(_, reply)| reply))
            .flatten()
    }

    fn lock_current(&self) -> std::sync::MutexGuard<'_, Option<(String, Reply)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The class of a reported error. Its message stays out of the log: a function
/// that fails may quote what it was given.
async fn error_class(request: Request<Incoming>) -> String {
    let body = local_http::read(request.into_body(), ANSWER_BYTES)
        .await
        .unwrap_or_default();
    let report: Value = serde_json::from_slice(&body).unwrap_or_default();
    let class = report
        .get("errorType")
        .and_then(Value::as_str)
        .unwrap_or("an error without a type");
    class
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn accepted() -> Answer {
    local_http::json(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

fn cut_short(fault: Fault) -> Answer {
    let (status, class) = match fault {
        Fault::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
        Fault::NoPrelude => (StatusCode::BAD_REQUEST, "InvalidStreamResponse"),
        Fault::BrokenOff | Fault::Unread => {
            (StatusCode::BAD_REQUEST, "Runtime.TruncatedHTTPRequest")
        }
    };
    refuse(status, class, fault.told())
}

fn unknown_invocation() -> Answer {
    refuse(
        StatusCode::BAD_REQUEST,
        "InvalidRequestID",
        "this sandbox has no such invocation",
    )
}

fn refuse(status: StatusCode, class: &str, message: &str) -> Answer {
    local_http::json(
        status,
        &json!({"errorType": class, "errorMessage": message}),
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use hyper_util::{
        client::legacy::{Client, connect::HttpConnector},
        rt::TokioExecutor,
    };

    type Caller = Client<HttpConnector, Full<Bytes>>;

    /// A client that keeps its one connection, as a function's runtime does.
    fn caller() -> Caller {
        Client::builder(TokioExecutor::new()).build_http()
    }

    async fn call(caller: &Caller, api: &Api) -> StatusCode {
        let request = Request::post(format!("http://{}{BASE}init/error", api.address));
        let answer = caller
            .request(request.body(Full::default()).unwrap())
            .await
            .unwrap();
        let (parts, body) = answer.into_parts();
        // The connection is free again once its answer is read.
        local_http::read(body, ANSWER_BYTES).await.unwrap();
        parts.status
    }

    #[tokio::test]
    async fn a_connection_is_asked_once_whose_it_is() {
        let api = Api::start().await.unwrap();
        let own = caller();
        api.serve_only(std::process::id());
        assert_eq!(call(&own, &api).await, StatusCode::ACCEPTED);
        // From now on every answer to the question is another: it isn't put again.
        api.serve_only(1);
        assert_eq!(call(&own, &api).await, StatusCode::ACCEPTED);
        assert_eq!(call(&caller(), &api).await, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn another_processs_connection_is_refused_at_every_call() {
        let api = Api::start().await.unwrap();
        let stranger = caller();
        api.serve_only(1);
        for _ in 0..2 {
            assert_eq!(call(&stranger, &api).await, StatusCode::FORBIDDEN);
        }
        // Before there is a process, nobody's is served.
        let early = Api::start().await.unwrap();
        assert_eq!(call(&stranger, &early).await, StatusCode::FORBIDDEN);
    }
}
