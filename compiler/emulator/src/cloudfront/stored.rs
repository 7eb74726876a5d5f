//! An answer as the cache keeps it, and as events and steps hand it on.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// As the origin gave it, or a function instead of the origin.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}
