//! An answer that a function streams: a prelude with status and headers, then the body.
//! Source: "Building a custom runtime for AWS Lambda" (Implementing response streaming in a
//! custom runtime), AWS Lambda Developer Guide.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::{mpsc, oneshot};

/// AWS's bound on a streamed answer.
const ANSWER_BYTES: usize = 200 * 1024 * 1024;
/// No prelude that a function makes is longer.
const PRELUDE_BYTES: usize = 64 * 1024;
/// What ends the prelude.
const DELIMITER: [u8; 8] = [0; 8];
/// Parts on their way: whoever reads slowly holds up the function.
const PARTS: usize = 4;

pub(super) const MODE: &str = "lambda-runtime-function-response-mode";
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
/// Set after a body, it says that the function failed in the middle of it.
const ERROR: &str = "lambda-runtime-function-error-type";

/// An answer whose body is still coming.
pub(crate) struct Streamed {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Parts,
}

/// A body, part by part. It is whole only once its end has been told: a function that
/// ends, or breaks off, tells none.
pub(crate) struct Parts(mpsc::Receiver<Part>);

enum Part {
    Data(Bytes),
    End,
}

/// The body broke off.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function's answer broke off")
    }
}

impl std::error::Error for Broken {}

impl Body for Parts {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_recv(context).map(|part| match part {
            Some(Part::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Part::End) => None,
            None => Some(Err(Broken)),
        })
    }
}

/// Why a body that the function sends isn't an answer, or not all of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It isn't streamed, or has no prelude.
    NoPrelude,
    TooLarge,
    /// The function left, or said that it failed.
    BrokenOff,
    /// Whoever asked for it is gone.
    Unread,
}

impl Fault {
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::NoPrelude => "its answer isn't a stream with a prelude",
            Self::TooLarge => "its answer is over 200 MB",
            Self::BrokenOff => "its answer broke off",
            Self::Unread => "nobody reads its answer any more",
        }
    }
}

/// Reads an answer as the function sends it. `begun` gets it once the prelude is read.
pub(super) async fn read(
    head: &HeaderMap,
    mut body: Incoming,
    begun: oneshot::Sender<Streamed>,
) -> Result<(), Fault> {
    let is = |name: &str, wanted: &str| head.get(name).is_some_and(|value| value == wanted);
    if !is(MODE, "streaming") || !is("content-type", WITH_PRELUDE) {
        return Err(Fault::NoPrelude);
    }
    let mut held = BytesMut::new();
    let (status, headers) = loop {
        let part = next(&mut body).await?.ok_or(Fault::NoPrelude)?;
        held.extend_from_slice(&part);
        let mut windows = held.windows(DELIMITER.len());
        if let Some(end) = windows.position(|window| window == DELIMITER) {
            let prelude = held.split_to(end);
            let _ = held.split_to(DELIMITER.len());
            break parsed(&prelude).ok_or(Fault::NoPrelude)?;
        }
        if held.len() > PRELUDE_BYTES {
            return Err(Fault::NoPrelude);
        }
    };
    let (parts, receiver) = mpsc::channel(PARTS);
    let answer = Streamed {
        status,
        headers,
        body: Parts(receiver),
    };
    begun.send(answer).map_err(|_| Fault::Unread)?;
    let send = async |part| parts.send(part).await.map_err(|_| Fault::Unread);
    let mut left = ANSWER_BYTES;
    let mut part = Some(held.freeze());
    while let Some(data) = part {
        left = left.checked_sub(data.len()).ok_or(Fault::TooLarge)?;
        send(Part::Data(data)).await?;
        part = next(&mut body).await?;
    }
    send(Part::End).await
}

/// The next part; `None` at the end.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Fault> {
    loop {
        let Some(frame) = body.frame().await else {
            return Ok(None);
        };
        match frame.map_err(|_| Fault::BrokenOff)?.into_data() {
            Ok(data) => return Ok(Some(data)),
            Err(frame)
                if frame
                    .trailers_ref()
                    .is_some_and(|it| it.contains_key(ERROR)) =>
            {
                return Err(Fault::BrokenOff);
            }
            Err(_) => {}
        }
    }
}

fn parsed(prelude: &[u8]) -> Option<(StatusCode, HeaderMap)> {
    let prelude: Value = serde_json::from_slice(prelude).ok()?;
    let status = prelude.get("statusCode")?.as_u64()?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let mut headers = HeaderMap::new();
    let written = prelude.get("headers").and_then(Value::as_object);
    for (name, value) in written.into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    Some((status, headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_has_a_status_and_headers() {
        let (status, headers) =
            parsed(br#"{"statusCode":429,"headers":{"retry-after":"1"},"cookies":[]}"#).unwrap();
        assert_eq!((status.as_u16(), headers.len()), (429, 1));
        assert_eq!(headers["retry-after"], "1");
        for wrong in [
            &b""[..],
            b"{}",
            br#"{"statusCode":"200"}"#,
            br#"{"statusCode":70000}"#,
            br#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            br#"{"statusCode":200,"headers":{"a":"\n"}}"#,
        ] {
            assert!(
                parsed(wrong).is_none(),
                "{}",
                String::from_utf8_lossy(wrong)
            );
        }
    }

    #[tokio::test]
    async fn a_body_without_its_end_is_broken() {
        let of = |parts: Vec<Part>| {
            let (sender, receiver) = mpsc::channel(8);
            for part in parts {
                sender.try_send(part).unwrap_or_default();
            }
            Parts(receiver)
        };
        let data = || Part::Data(Bytes::from_static(b"ab"));
        let whole = of(vec![data(), data(), Part::End]).collect().await.unwrap();
        assert_eq!(whole.to_bytes(), "abab");
        assert!(of(vec![data()]).collect().await.is_err());
        assert!(of(vec![]).collect().await.is_err());
    }
}
