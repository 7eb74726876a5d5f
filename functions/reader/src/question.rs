//! What a function URL's event asks for.
//! Source: "Invoking Lambda function URLs", AWS Lambda Developer Guide (payload format 2.0).

use crate::answer::Refusal;
use frames_edge::operation::{Operation, is_id};
use serde::Deserialize;
use std::collections::BTreeMap;

/// No version of an image set has more digits.
const LONGEST_VERSION: usize = 19;

/// The header by which CloudFront's log and this function's name a request.
const REQUEST_ID: &str = "x-amz-cf-id";

/// An id of CloudFront's has 56 characters.
const LONGEST_REQUEST_ID: usize = 128;

/// The event, as far as the reader needs it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub raw_path: String,
    #[serde(default)]
    pub raw_query_string: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: Context,
}

#[derive(Debug, Clone, Deserialize)]
struct Context {
    http: Http,
}

#[derive(Debug, Clone, Deserialize)]
struct Http {
    method: String,
}

impl Event {
    /// Reads an event. The error never quotes it: what a viewer sent stays out of the log.
    pub fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        serde_json::from_slice(bytes).map_err(|_| "not an event of a function URL")
    }

    /// CloudFront's own id of the request, for the log.
    pub fn request_id(&self) -> Option<&str> {
        let id = self.headers.get(REQUEST_ID)?.as_str();
        let is_id = id.len() <= LONGEST_REQUEST_ID && id.bytes().all(|b| b.is_ascii_graphic());
        is_id.then_some(id)
    }
}

/// A read that the reader makes. All in it has the form of an id or of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    Frame {
        path: String,
        frame: String,
    },
    Metadata {
        path: String,
        version: Option<String>,
    },
}

impl Question {
    /// What is asked for, if the reader serves it. There is one spelling of a query, which
    /// is the authorizer's: what comes otherwise didn't come through the delivery.
    pub fn of(event: &Event, metadata: bool) -> Result<Self, Refusal> {
        let path = event.raw_path.as_str();
        let frame = Operation::parse(path, false);
        let operation = match &frame {
            Ok(operation) => operation.path(),
            Err(_) if metadata => &metadata_path(path).ok_or(Refusal::NotFound)?,
            Err(_) => return Err(Refusal::NotFound),
        };
        // CloudFront answers HEAD, too: of its answer only the head goes on.
        if !["GET", "HEAD"].contains(&event.request_context.http.method.as_str()) {
            return Err(Refusal::Method);
        }
        let path = operation.to_owned();
        let query = event.raw_query_string.as_str();
        if frame.is_ok() {
            let id = query.strip_prefix("imageFrameId=").filter(|id| is_id(id));
            let frame = id.ok_or(Refusal::Frame)?.to_owned();
            return Ok(Self::Frame { path, frame });
        }
        let version = match query {
            "" => None,
            query => {
                let version = query.strip_prefix("version=");
                let version = version.filter(|version| is_version(version));
                Some(version.ok_or(Refusal::Version)?.to_owned())
            }
        };
        Ok(Self::Metadata { path, version })
    }
}

fn metadata_path(path: &str) -> Option<String> {
    let set = path.strip_suffix("/getImageSetMetadata")?;
    let frame = Operation::parse(&format!("{set}/getImageFrame"), false).ok()?;
    let set = frame.path().strip_suffix("/getImageFrame")?;
    Some(format!("{set}/getImageSetMetadata"))
}

fn is_version(text: &str) -> bool {
    !text.starts_with('0')
        && (1..=LONGEST_VERSION).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
}
