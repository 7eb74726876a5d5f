//! The Lambda Runtime API, with answers that are streamed.
//!
//! The loop is the reader's own: the runtime library writes an error in the middle of a
//! stream into the stream itself, and ends it as if it were whole. A cut frame must never
//! look like a whole one.

use crate::Reader;
use crate::stream::Answer;
use bytes::Bytes;
use frames_reader::answer::CONTENT_TYPE;
use frames_reader::question::Event;
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// Lambda's own bound on an event.
const EVENT: usize = 6 * 1024 * 1024;

const ID: &str = "lambda-runtime-aws-request-id";

/// When Lambda ends the function, in milliseconds since 1970.
const DEADLINE: &str = "lambda-runtime-deadline-ms";

type Body = Either<Answer, Full<Bytes>>;

struct Api {
    client: Client<HttpConnector, Body>,
    base: String,
}

/// Answers one event after the other. It ends only where there are no events to be had.
pub(crate) async fn serve(api: &Uri, reader: &Reader) -> Result<(), String> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let api = Api {
        client: Client::builder(TokioExecutor::new()).build(connector),
        base: format!(
            "{}/2018-06-01/runtime/invocation",
            api.to_string().trim_end_matches('/')
        ),
    };
    loop {
        let (id, ends, event) = api.next().await?;
        let sent = match Event::read(&event) {
            Ok(event) => {
                api.respond(&id, reader.answer(&event, &id, ends).await)
                    .await
            }
            Err(problem) => api.fail(&id, problem).await,
        };
        // Whoever asked may be gone, or the answer broke off: the next one is another's.
        let _ = sent;
    }
}

impl Api {
    async fn next(&self) -> Result<(String, Option<SystemTime>, Bytes), String> {
        let request = Request::get(format!("{}/next", self.base));
        let answer = self.send(request, Either::Right(Full::default())).await?;
        let (head, body) = answer.into_parts();
        let id = head.headers.get(ID).and_then(|id| id.to_str().ok());
        let id = id.filter(|_| head.status.is_success());
        let id = id.ok_or_else(|| format!("it answered {}, without an event", head.status))?;
        let ends = head
            .headers
            .get(DEADLINE)
            .and_then(|ends| ends.to_str().ok());
        let ends = ends.and_then(|ends| {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ends.parse().ok()?))
        });
        let event = Limited::new(body, EVENT).collect().await;
        let event = event.map_err(|_| "an event broke off".to_owned())?;
        Ok((id.to_owned(), ends, event.to_bytes()))
    }

    async fn respond(&self, id: &str, answer: Answer) -> Result<(), String> {
        let request = Request::post(format!("{}/{id}/response", self.base))
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(header::TRANSFER_ENCODING, "chunked")
            .header("lambda-runtime-function-response-mode", "streaming");
        let answer = self.send(request, Either::Left(answer)).await?;
        read(answer).await
    }

    async fn fail(&self, id: &str, problem: &str) -> Result<(), String> {
        let report = json!({"errorType": "NoEvent", "errorMessage": problem, "stackTrace": []});
        let request = Request::post(format!("{}/{id}/error", self.base))
            .header(header::CONTENT_TYPE, "application/json")
            .header("lambda-runtime-function-error-type", "NoEvent");
        let body = Full::new(Bytes::from(report.to_string()));
        let answer = self.send(request, Either::Right(body)).await?;
        read(answer).await
    }

    async fn send(
        &self,
        request: http::request::Builder,
        body: Body,
    ) -> Result<Response<Incoming>, String> {
        let request = request.body(body).map_err(|error| error.to_string())?;
        let answer = self.client.request(request).await;
        answer.map_err(|error| error.to_string())
    }
}

/// The connection is free again once its answer is read.
async fn read(answer: Response<Incoming>) -> Result<(), String> {
    let whole = Limited::new(answer.into_body(), EVENT).collect().await;
    whole.map(drop).map_err(|error| error.to_string())
}
