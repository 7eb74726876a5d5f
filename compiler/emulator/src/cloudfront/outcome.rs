//! How a request ends, and the answer that the viewer gets.

use super::{event, names::Trigger, refusal::Refusal, stored::Stored, verdict::Generated};
use crate::http::Answer;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// What becomes of a request, before CloudFront adds its own headers.
pub(super) struct Outcome {
    pub stored: Stored,
    pub x_cache: &'static str,
    pub age: Option<u64>,
    /// The behavior's policy is applied.
    pub decorated: bool,
}

impl Outcome {
    pub(super) fn refused(refusal: &Refusal, id: &str) -> Self {
        Self {
            stored: refusal.answer(id),
            x_cache: refusal.x_cache(),
            age: None,
            decorated: false,
        }
    }

    /// AWS documents that the policy applies to what comes from the origin or the
    /// cache. Whether it also applies to the answer of a viewer-request function isn't
    /// said. Here it doesn't, so that such an answer needs all headers of its own.
    pub(super) fn generated(generated: &Generated, trigger: Trigger) -> Self {
        Self {
            stored: stored(generated),
            x_cache: "LambdaGeneratedResponse from cloudfront",
            age: None,
            decorated: trigger == Trigger::OriginRequest,
        }
    }

    /// From the origin.
    pub(super) fn fetched(stored: Stored) -> Self {
        Self::answered(stored, "Miss from cloudfront", None)
    }

    /// From the cache.
    pub(super) fn hit(stored: Stored, age: u64) -> Self {
        Self::answered(stored, "Hit from cloudfront", Some(age))
    }

    /// From the cache, after the origin said that it is still the latest.
    pub(super) fn refreshed(stored: Stored) -> Self {
        Self::answered(stored, "RefreshHit from cloudfront", Some(0))
    }

    fn answered(stored: Stored, x_cache: &'static str, age: Option<u64>) -> Self {
        let is_error = stored.status.is_client_error() || stored.status.is_server_error();
        Self {
            stored,
            x_cache: if is_error {
                "Error from cloudfront"
            } else {
                x_cache
            },
            age,
            decorated: true,
        }
    }
}

fn stored(generated: &Generated) -> Stored {
    let mut headers = event::to_wire(&generated.headers);
    headers.remove(header::CONTENT_LENGTH);
    headers
        .entry(header::SERVER)
        .or_insert(HeaderValue::from_static("CloudFront"));
    Stored {
        status: generated.status,
        headers,
        body: generated.body.clone(),
    }
}

pub(super) fn respond(
    status: StatusCode,
    mut headers: HeaderMap,
    body: Bytes,
    head: bool,
) -> Answer {
    let has_body = !matches!(status.as_u16(), 204 | 304);
    let body = if head || !has_body {
        // An origin that answered the HEAD itself said how long the body would be.
        if head && has_body && !body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        Bytes::new()
    } else {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        body
    };
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}
