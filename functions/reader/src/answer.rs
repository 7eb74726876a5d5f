//! What goes back: HealthImaging's answer, or the reader's own refusal. Both begin with a
//! prelude, which tells the function URL status and headers.
//! Source: "Using the Lambda runtime API", "Response streaming", AWS Lambda Developer Guide.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The content type of a stream that begins with a prelude.
pub const CONTENT_TYPE: &str = "application/vnd.awslambda.http-integration-response";

/// What ends the prelude.
const DELIMITER: [u8; 8] = [0; 8];

/// What Lambda streams of an answer: no more than this, in bytes.
/// Source: "Response streaming for Lambda functions" (Bandwidth limits), AWS Lambda Developer Guide.
const LARGEST: u64 = 200_000_000;

/// So much of it as fast as it comes, and so much per second after that.
const AT_ONCE: u64 = 6_000_000;
const PER_SECOND: u64 = 2_000_000;

/// What of HealthImaging's head goes on. `content-length` is among them: where the stream
/// breaks off, whoever reads it can tell that it is short.
const PASSED: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::ETAG,
    header::RETRY_AFTER,
    HeaderName::from_static("x-amzn-errortype"),
    HeaderName::from_static("x-amzn-requestid"),
];

/// Why there is no answer of HealthImaging's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotFound,
    Method,
    Frame,
    Version,
    NotSigned,
    /// HealthImaging couldn't be reached, or broke off before its answer began.
    Unreachable,
    /// Its answer doesn't say where it ends.
    Unbounded,
    /// Lambda would cut it short.
    TooLarge,
    TimedOut,
}

impl Refusal {
    /// The class, as in the body, for the log.
    pub fn class(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Method => "method_not_allowed",
            Self::Frame | Self::Version => "invalid_request",
            Self::NotSigned => "not_signed",
            Self::Unreachable => "origin_unreachable",
            Self::Unbounded => "origin_unbounded",
            Self::TooLarge => "answer_too_large",
            Self::TimedOut => "origin_timeout",
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Frame | Self::Version => StatusCode::BAD_REQUEST,
            Self::NotSigned | Self::Unreachable | Self::Unbounded | Self::TooLarge => {
                StatusCode::BAD_GATEWAY
            }
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    pub fn message(self) -> &'static str {
        match self {
            Self::NotFound => "This path isn't served.",
            Self::Method => "This path takes another method: see `Allow`.",
            Self::Frame => "This path needs the query `imageFrameId={id}`, and nothing else.",
            Self::Version => "This path takes the query `version={number}`, and nothing else.",
            Self::NotSigned => "The request couldn't be signed.",
            Self::Unreachable => "HealthImaging couldn't be reached. Ask again.",
            Self::Unbounded => "HealthImaging's answer has no length.",
            Self::TooLarge => "The answer is too large for a read by GET. Read it by POST.",
            Self::TimedOut => "HealthImaging didn't answer in time. Ask again.",
        }
    }

    /// The whole answer: a prelude and its body, in the form of the signer's errors.
    pub fn answer(self) -> Bytes {
        let body = json!({"error": self.class(), "message": self.message()}).to_string();
        let mut headers = Map::new();
        let mut set = |name: &str, value: &str| headers.insert(name.to_owned(), json!(value));
        set("cache-control", "no-store");
        set("content-type", "application/json");
        set("content-length", &body.len().to_string());
        if self == Self::Method {
            set("allow", "GET, HEAD");
        }
        let mut answer = prelude(self.status(), headers);
        answer.extend_from_slice(body.as_bytes());
        answer.into()
    }
}

/// Refuses what Lambda would cut short, before anything of it is sent: an answer beyond its limit,
/// or that can't pass in the time that is left. One without a length is seen to be cut as it comes.
pub fn passes(head: &HeaderMap, left: Option<Duration>) -> Result<(), Refusal> {
    let length = head.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let later = left.map(|left| left.as_secs().saturating_mul(PER_SECOND));
    let most = later.map_or(LARGEST, |later| later.saturating_add(AT_ONCE).min(LARGEST));
    match length {
        Some(length) if length > most => Err(Refusal::TooLarge),
        _ => Ok(()),
    }
}

/// The prelude of HealthImaging's answer. What isn't the object that was asked for says
/// that nobody may keep it.
pub fn begun(status: StatusCode, head: &HeaderMap) -> Result<Bytes, Refusal> {
    let chunked = head.contains_key(header::TRANSFER_ENCODING);
    if !chunked && !head.contains_key(header::CONTENT_LENGTH) {
        // Its end would be the connection's, and so would be a broken connection.
        return Err(Refusal::Unbounded);
    }
    let mut headers = Map::new();
    for name in PASSED {
        let value = head.get(&name).and_then(|value| value.to_str().ok());
        if let Some(value) = value {
            headers.insert(name.as_str().to_owned(), json!(value));
        }
    }
    if status != StatusCode::OK {
        headers.insert("cache-control".to_owned(), json!("no-store"));
    }
    Ok(prelude(status, headers).into())
}

fn prelude(status: StatusCode, headers: Map<String, Value>) -> Vec<u8> {
    let prelude = json!({"statusCode": status.as_u16(), "headers": headers});
    let mut bytes = prelude.to_string().into_bytes();
    bytes.extend_from_slice(&DELIMITER);
    bytes
}
