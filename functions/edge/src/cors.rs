//! What pages of other origins may send and read. The authorizer says it in its own
//! answers, CloudFront's response headers policy in all others: one list for both, and one
//! age, so that a page sees no difference.

/// Request headers that a page may set: those that carry its token, those that choose what
/// comes back, and those about a copy that it has.
pub const ALLOWED_HEADERS: [&str; 8] = [
    "Accept",
    "Authorization",
    "Content-Type",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Range",
    "Token",
];

/// Response headers that a page may read. Without `Content-Range`, a loader takes a part
/// for the whole; `Retry-After` says when to try again.
pub const EXPOSED_HEADERS: [&str; 10] = [
    "Accept-Ranges",
    "Age",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "X-Cache",
];

/// For how long a browser may go by one preflight: as long as Chromium keeps one at all.
/// An origin that is taken off the list reads nothing from then on, preflight or not.
pub const PREFLIGHT_SECONDS: u32 = 7200;
