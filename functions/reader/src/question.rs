//! What a function URL's event asks for.
//! Source: "Invoking Lambda function URLs", AWS Lambda Developer Guide (payload format 2.0).

use crate::answer::Refusal;
use frames_edge::operation::{Kind, Operation, Served, is_id};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a function URL's caller may ask by.
const METHODS: [&str; 2] = ["GET", "HEAD"];

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

    /// Whether the head of an answer is all that is asked for.
    pub fn is_head(&self) -> bool {
        self.request_context.http.method == "HEAD"
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
pub struct Question {
    pub path: String,
    pub asks: Asks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    Frame {
        id: String,
    },
    /// `query` is empty, or says which version.
    Metadata {
        query: String,
    },
}

impl Question {
    /// What is asked for, if the reader serves it. There is one spelling of a query, which
    /// is the authorizer's: what comes otherwise didn't come through the delivery.
    pub fn of(event: &Event, served: Served) -> Result<Self, Refusal> {
        let operation = Operation::parse(&event.raw_path, served);
        let operation = operation.map_err(|_| Refusal::NotFound)?;
        let query = event.raw_query_string.as_str();
        // CloudFront answers HEAD, too: of its answer only the head goes on.
        if !METHODS.contains(&event.request_context.http.method.as_str()) {
            return Err(Refusal::Method);
        }
        let asks = match operation.kind() {
            Kind::ImageFrame => {
                let id = query.strip_prefix("imageFrameId=").filter(|id| is_id(id));
                let id = id.ok_or(Refusal::Frame)?.to_owned();
                Asks::Frame { id }
            }
            Kind::ImageSetMetadata => {
                let settled = operation.settled(query).ok().flatten();
                let settled = settled.filter(|settled| settled == query);
                let query = settled.ok_or(Refusal::Version)?;
                Asks::Metadata { query }
            }
            _ => return Err(Refusal::NotFound),
        };
        let path = operation.path().to_owned();
        Ok(Self { path, asks })
    }
}
