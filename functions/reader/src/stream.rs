//! An answer as it goes to the Runtime API: the prelude, then HealthImaging's body part by
//! part. Nothing is held whole.

use bytes::Bytes;
use frames_edge::LogLevel;
use frames_edge::runtime::Log;
use frames_reader::answer::{self, Refusal};
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use serde_json::json;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Between two parts of a body. CloudFront waits for 30 seconds.
const NEXT_PART: Duration = Duration::from_secs(25);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    prelude: Option<Bytes>,
    rest: Option<Rest>,
    /// Why it can't go on, once that is known.
    broken: Option<&'static str>,
    log: Option<(Log, String)>,
}

/// What is still to come of HealthImaging's body.
struct Rest {
    body: Incoming,
    waited: Pin<Box<Sleep>>,
}

/// The answer can't go on. Whoever reads it must not take it for whole.
#[derive(Debug)]
pub(crate) struct Broken(&'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

impl Answer {
    /// `left` is the time until Lambda ends the function.
    pub(crate) fn of(answer: Response<Incoming>, left: Option<Duration>) -> Result<Self, Refusal> {
        let (head, body) = answer.into_parts();
        answer::passes(&head.headers, left)?;
        Ok(Self {
            status: head.status,
            prelude: Some(answer::begun(head.status, &head.headers)?),
            rest: Some(Rest {
                body,
                waited: Box::pin(sleep(NEXT_PART)),
            }),
            broken: None,
            log: None,
        })
    }

    /// The head says how long the body of a GET is, as HTTP has it, and none follows. What
    /// HealthImaging still sends isn't read: its connection is closed.
    pub(crate) fn without_body(mut self) -> Self {
        self.rest = None;
        self
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self {
            status: refusal.status(),
            prelude: Some(refusal.answer()),
            rest: None,
            broken: None,
            log: None,
        }
    }

    /// Where to write why it broke off.
    pub(crate) fn when_broken(&mut self, log: Log, request_id: String) {
        self.log = Some((log, request_id));
    }

    /// Breaks off at the next poll. What has been written up to here is sent before: an
    /// answer that never began would leave the Runtime API waiting for one.
    fn breaks(
        &mut self,
        why: &'static str,
        context: &Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.rest = None;
        self.broken = Some(why);
        if let Some((log, id)) = &self.log {
            let line = json!({"decision": "break", "reason": why});
            log.write(LogLevel::Error, id, line);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// An error ends the connection in the middle of the body: that is how the Runtime API
/// learns that the answer is cut short. The body's own trailers for an error would leave
/// the body as a whole one.
impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(prelude) = self.prelude.take() {
            return Poll::Ready(Some(Ok(Frame::data(prelude))));
        }
        if let Some(why) = self.broken {
            return Poll::Ready(Some(Err(Broken(why))));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        loop {
            return match Pin::new(&mut rest.body).poll_frame(context) {
                Poll::Ready(Some(Ok(part))) => {
                    if let Some(next) = Instant::now().checked_add(NEXT_PART) {
                        rest.waited.as_mut().reset(next);
                    }
                    match part.into_data() {
                        Ok(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
                        // Trailers of HealthImaging's would be taken for this function's own.
                        Err(_) => continue,
                    }
                }
                Poll::Ready(Some(Err(_))) => self.breaks("origin_broke_off", context),
                Poll::Ready(None) => {
                    self.rest = None;
                    Poll::Ready(None)
                }
                Poll::Pending if rest.waited.as_mut().poll(context).is_ready() => {
                    self.breaks("origin_stalled", context)
                }
                Poll::Pending => Poll::Pending,
            };
        }
    }
}
