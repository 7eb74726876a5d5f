//! Answers that a function makes itself. Small JSON, never cached: what an
//! origin-request function answers, CloudFront would otherwise keep.
//! And the origin's, as an origin-response function gets it.

use crate::event::{Header, Headers};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// A string of three digits, as CloudFront wants it.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_description: Option<String>,
    #[serde(default)]
    pub headers: Headers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Response {
    /// An answer without a body.
    pub fn empty(status: u16, description: &str) -> Self {
        Self {
            status: status.to_string(),
            status_description: Some(description.to_owned()),
            headers: Headers::new(),
            body: None,
        }
        .with_header("Cache-Control", "no-store")
    }

    /// A JSON answer.
    pub fn json(status: u16, description: &str, body: &Value) -> Self {
        let mut response =
            Self::empty(status, description).with_header("Content-Type", "application/json");
        response.body = Some(body.to_string());
        response
    }

    /// The same answer with a header set.
    pub fn with_header(mut self, key: &str, value: impl Into<String>) -> Self {
        let header = Header {
            key: Some(key.to_owned()),
            value: value.into(),
        };
        self.headers.insert(key.to_ascii_lowercase(), vec![header]);
        self
    }
}
