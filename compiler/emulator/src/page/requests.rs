//! The last requests that the edge answered, for the page to ask what became of its own.

use crate::cloudfront::RequestLog;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// A page asks right after the answer; older ones are forgotten.
const KEPT: usize = 512;

/// What the edge's [`RequestSink`](crate::cloudfront::RequestSink) fills and the page's server reads.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Mutex<VecDeque<RequestLog>>>);

impl Requests {
    pub fn keep(&self, log: &RequestLog) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(log.clone());
    }

    /// The request of an id, or else the newest of a method, a path and a status: an answer
    /// of the authorizer's has no `Server-Timing`, and so pages can't read its id.
    pub(super) fn find(&self, query: &str) -> Option<Value> {
        let [id, method, path, status] =
            ["id", "method", "path", "status"].map(|name| parameter(query, name));
        let is_it = |log: &&RequestLog| {
            if let Some(id) = &id {
                return log.id == *id;
            }
            Some(&log.method) == method.as_ref()
                && Some(&log.path) == path.as_ref()
                && Some(log.status.to_string()) == status
        };
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(is_it).map(|log| json!(log))
    }
}

/// A parameter of a query, decoded as `encodeURIComponent` encodes it.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8();
    decoded.ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudfront::{CacheResult, Stages};

    fn log(id: &str, status: u16) -> RequestLog {
        RequestLog {
            id: id.to_owned(),
            method: "GET".to_owned(),
            path: "/a/%5C b".to_owned(),
            status,
            cache: CacheResult::Hit,
            ms: 1.5,
            stages: Stages {
                viewer_request: Some(1.0),
                ..Stages::default()
            },
        }
    }

    #[test]
    fn a_request_is_found_by_its_id_or_by_what_it_was() {
        let requests = Requests::default();
        let found = |query: &str| requests.find(query).map(|log| log["status"].clone());
        assert_eq!(found("id=a"), None);
        requests.keep(&log("a", 200));
        requests.keep(&log("b==", 401));
        assert_eq!(found("id=a"), Some(200.into()));
        assert_eq!(found("id=b%3D%3D"), Some(401.into()));
        // An id that isn't there is not replaced by another request.
        let by_all = "method=GET&path=%2Fa%2F%255C%20b&status=401";
        assert_eq!(found(&format!("id=c&{by_all}")), None);
        assert_eq!(found(by_all), Some(401.into()));
        assert_eq!(found("method=GET&path=%2Fa&status=401"), None);
        assert_eq!(found("method=GET&status=401"), None);
        assert_eq!(found(""), None);
        let whole = requests.find("id=a").unwrap();
        assert_eq!(whole["stages"], json!({"viewerRequest": 1.0}));
    }

    #[test]
    fn no_more_are_kept_than_a_page_may_ask_for() {
        let requests = Requests::default();
        for n in 0..=KEPT {
            requests.keep(&log(&n.to_string(), 200));
        }
        assert!(requests.find("id=0").is_none());
        assert!(requests.find("id=1").is_some());
        assert_eq!(requests.0.lock().unwrap().len(), KEPT);
    }
}
