//! An answer as the cache keeps it, and as events and steps hand it on.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};

/// As the origin gave it, or a function instead of the origin.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Stored {
    /// An answer about this object in place of the object.
    pub(super) fn without_content(mut self, status: StatusCode) -> Self {
        let of_content: Vec<HeaderName> = self
            .headers
            .keys()
            .filter(|name| name.as_str().starts_with("content-"))
            .cloned()
            .collect();
        for name in of_content {
            self.headers.remove(name);
        }
        Self {
            status,
            headers: self.headers,
            body: Bytes::new(),
        }
    }
}
