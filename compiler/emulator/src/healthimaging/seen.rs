//! What reached the origin, for tests to look at.

use bytes::Bytes;
use http::{HeaderMap, Request};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

const KEPT: usize = 1000;

/// A request at the origin. Of its headers, only the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub host: String,
    pub header_names: Vec<String>,
    /// It held a watched secret: in its line, a header or the body.
    pub leaked: bool,
    pub status: u16,
}

#[derive(Default)]
pub(super) struct Log {
    seen: Mutex<VecDeque<Seen>>,
    secrets: Mutex<Vec<String>>,
}

impl Log {
    pub(super) fn watch_for(&self, secret: &str) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if !secret.is_empty() {
            secrets.push(secret.to_owned());
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().cloned().collect()
    }

    pub(super) fn note(&self, request: &Request<Bytes>) -> Seen {
        let headers = request.headers();
        Seen {
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            host: headers
                .get("host")
                .and_then(|h| h.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            header_names: headers
                .keys()
                .map(|name| name.as_str().to_owned())
                .collect(),
            leaked: self.holds_secret(&request.uri().to_string(), headers, request.body()),
            status: 0,
        }
    }

    pub(super) fn push(&self, mut seen: Seen, status: u16) {
        seen.status = status;
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(seen);
    }

    fn holds_secret(&self, target: &str, headers: &HeaderMap, body: &[u8]) -> bool {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().any(|secret| {
            let holds = |bytes: &[u8]| {
                bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes())
            };
            holds(target.as_bytes())
                || headers.values().any(|value| holds(value.as_bytes()))
                || holds(body)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        let log = Log::default();
        log.watch_for("s3cret");
        let request = |uri: &str, header: &str, body: &'static str| {
            let built = Request::builder().uri(uri).header("a", header);
            log.note(&built.body(Bytes::from_static(body.as_bytes())).unwrap())
                .leaked
        };
        assert!(!request("/a?b=c", "d", "e"));
        assert!(request("/a?b=s3cret", "d", "e"));
        assert!(request("/s3cret", "d", "e"));
        assert!(request("/a", "Bearer s3cret", "e"));
        assert!(request("/a", "d", "xs3cretx"));
    }
}
