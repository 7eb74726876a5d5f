//! `Server-Timing`, as a response headers policy asks for it.
//! Source: "Server-Timing header", Amazon CloudFront Developer Guide.

use super::request_log::CacheResult;
use super::response_headers::POP;
use crate::random;
use http::{HeaderMap, HeaderName, HeaderValue, header};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What became of a request, in milliseconds.
pub(super) struct Timing<'a> {
    pub id: &'a str,
    pub cache: CacheResult,
    /// Until the whole answer of the origin was there: it isn't passed on in parts here.
    pub upstream: Option<f64>,
    pub shielded: bool,
    pub downstream: f64,
}

/// Whether this answer is one of the sample, or asks for the header.
pub(super) fn wanted(millionths: u32, request: &HeaderMap) -> bool {
    let asked = request
        .get_all(header::PRAGMA)
        .iter()
        .any(|value| value == "server-timing");
    let drawn = random::random().map_or(0, u32::from_be_bytes) % 1_000_000;
    asked || drawn < millionths
}

/// An origin's own metrics go on with a miss, and not from the cache.
pub(super) fn apply(timing: &Timing<'_>, headers: &mut HeaderMap) {
    let held = headers.get_all(&SERVER_TIMING).iter();
    let held: Vec<&str> = held.filter_map(|value| value.to_str().ok()).collect();
    let mut metrics = if timing.is_cached() {
        Vec::new()
    } else {
        held.iter().map(|value| (*value).to_owned()).collect()
    };
    metrics.extend(timing.metrics());
    if let Ok(value) = HeaderValue::from_str(&metrics.join(",")) {
        headers.insert(SERVER_TIMING, value);
    }
}

impl Timing<'_> {
    fn is_cached(&self) -> bool {
        matches!(self.cache, CacheResult::Hit | CacheResult::Refresh)
    }

    fn metrics(&self) -> Vec<String> {
        let mut metrics = Vec::new();
        if let Some(upstream) = self.upstream {
            let layer = if self.shielded {
                "Origin Shield"
            } else {
                "EDGE"
            };
            metrics.push(format!("cdn-upstream-layer;desc=\"{layer}\""));
            metrics.push("cdn-upstream-dns;dur=0".to_owned());
            metrics.push("cdn-upstream-connect;dur=0".to_owned());
            metrics.push(format!("cdn-upstream-fbl;dur={:.0}", upstream));
        }
        let cache = match self.cache {
            CacheResult::Hit => "cdn-cache-hit",
            CacheResult::Refresh => "cdn-cache-refresh",
            CacheResult::Miss | CacheResult::None => "cdn-cache-miss",
        };
        metrics.push(cache.to_owned());
        metrics.push(format!("cdn-pop;desc=\"{POP}\""));
        metrics.push(format!("cdn-rid;desc=\"{}\"", self.id));
        if self.is_cached() {
            metrics.push("cdn-hit-layer;desc=\"EDGE\"".to_owned());
        }
        metrics.push(format!("cdn-downstream-fbl;dur={:.0}", self.downstream));
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(timing: &Timing<'_>) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(SERVER_TIMING, HeaderValue::from_static("db;dur=1"));
        apply(timing, &mut headers);
        headers[SERVER_TIMING].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_miss_says_what_the_origin_took_and_a_hit_says_nothing_of_it() {
        let miss = Timing {
            id: "abc",
            cache: CacheResult::Miss,
            upstream: Some(12.4),
            shielded: false,
            downstream: 20.0,
        };
        assert_eq!(
            applied(&miss),
            "db;dur=1,cdn-upstream-layer;desc=\"EDGE\",cdn-upstream-dns;dur=0,cdn-upstream-connect;dur=0,\
             cdn-upstream-fbl;dur=12,cdn-cache-miss,cdn-pop;desc=\"DEV50-P1\",cdn-rid;desc=\"abc\",cdn-downstream-fbl;dur=20"
        );
        let shielded = Timing {
            shielded: true,
            ..miss
        };
        assert!(applied(&shielded).contains("cdn-upstream-layer;desc=\"Origin Shield\""));
        let hit = Timing {
            cache: CacheResult::Hit,
            upstream: None,
            ..shielded
        };
        assert_eq!(
            applied(&hit),
            "cdn-cache-hit,cdn-pop;desc=\"DEV50-P1\",cdn-rid;desc=\"abc\",cdn-hit-layer;desc=\"EDGE\",cdn-downstream-fbl;dur=20"
        );
    }

    #[test]
    fn a_refreshed_object_says_what_asking_took() {
        let refreshed = Timing {
            id: "abc",
            cache: CacheResult::Refresh,
            upstream: Some(3.0),
            shielded: false,
            downstream: 4.0,
        };
        let said = applied(&refreshed);
        assert!(said.starts_with("cdn-upstream-layer"), "{said}");
        assert!(
            said.contains("cdn-upstream-fbl;dur=3,cdn-cache-refresh,"),
            "{said}"
        );
    }

    #[test]
    fn the_sample_is_the_policys_and_who_asks_is_always_in_it() {
        let silent = HeaderMap::new();
        let mut asks = HeaderMap::new();
        asks.insert(header::PRAGMA, HeaderValue::from_static("server-timing"));
        for _ in 0..100 {
            assert!(wanted(1_000_000, &silent));
            assert!(!wanted(0, &silent));
            assert!(wanted(0, &asks));
        }
        // A thousand draws give none, or all, once in 10^300 runs.
        let drawn = (0..1_000).filter(|_| wanted(500_000, &silent)).count();
        assert!((1..1_000).contains(&drawn));
    }
}
