//! How long CloudFront keeps an answer.
//! Source: "Manage how long content stays in the cache" and "Control how long
//! CloudFront caches errors", Amazon CloudFront Developer Guide.

use crate::package::CachePolicy;
use http::{HeaderMap, StatusCode, header};
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

/// `ErrorCachingMinTTL`, where the distribution says nothing.
const ERROR_TTL: u64 = 10;

/// How long to keep it. Zero means not at all.
pub(super) fn lifetime(
    policy: &CachePolicy,
    error_ttl: &BTreeMap<u16, u64>,
    status: StatusCode,
    headers: &HeaderMap,
    now: SystemTime,
) -> Duration {
    let said = Said::read(headers, now);
    let seconds = if status.is_client_error() || status.is_server_error() {
        error_seconds(error_ttl, status, &said)
    } else if status.is_informational() || is_about_an_object(status) {
        0
    } else {
        success_seconds(policy, &said)
    };
    Duration::from_secs(seconds)
}

/// A part of an object, or the word that a viewer's copy is good: neither is the object.
/// CloudFront keeps parts too; HealthImaging doesn't say that it makes any.
fn is_about_an_object(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
    )
}

fn success_seconds(policy: &CachePolicy, said: &Said) -> u64 {
    match said {
        // MinTTL above 0 outweighs even `no-store`.
        Said::Never => policy.min_ttl,
        Said::Seconds(seconds) => (*seconds).min(policy.max_ttl).max(policy.min_ttl),
        Said::Nothing => policy.default_ttl.max(policy.min_ttl),
    }
}

fn error_seconds(error_ttl: &BTreeMap<u16, u64>, status: StatusCode, said: &Said) -> u64 {
    let minimum = error_ttl.get(&status.as_u16()).copied();
    let said = match said {
        Said::Seconds(seconds) => *seconds,
        Said::Never | Said::Nothing => 0,
    };
    match status.as_u16() {
        416 => 0,
        404 | 414 | 500..=504 => said.max(minimum.unwrap_or(ERROR_TTL)),
        // Kept only where the origin says so.
        400 | 401 | 403 | 405 | 412 | 415 if said > 0 => said.max(minimum.unwrap_or(ERROR_TTL)),
        _ => minimum.unwrap_or(0),
    }
}

/// What the origin said about it.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Never,
    Seconds(u64),
    Nothing,
}

impl Said {
    fn read(headers: &HeaderMap, now: SystemTime) -> Self {
        let mut max_age = None;
        let mut shared = None;
        let values = headers.get_all(header::CACHE_CONTROL).iter();
        for directive in values
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
        {
            let directive = directive.trim().to_ascii_lowercase();
            let (name, value) = directive.split_once('=').unwrap_or((&directive, ""));
            match name {
                "no-store" | "no-cache" | "private" => return Self::Never,
                "max-age" => max_age = max_age.or(Some(delta_seconds(value))),
                "s-maxage" => shared = shared.or(Some(delta_seconds(value))),
                _ => {}
            }
        }
        if let Some(seconds) = shared.or(max_age) {
            return Self::Seconds(seconds);
        }
        let expires = headers.get(header::EXPIRES).and_then(|v| v.to_str().ok());
        match expires.map(httpdate::parse_http_date) {
            None => Self::Nothing,
            Some(Ok(at)) => Self::Seconds(at.duration_since(now).unwrap_or_default().as_secs()),
            // `Expires: 0` and the like: already expired.
            Some(Err(_)) => Self::Seconds(0),
        }
    }
}

/// A malformed one counts as expired (RFC 9111, 4.2.1): an answer with a limit
/// is not kept for the policy's default.
fn delta_seconds(value: &str) -> u64 {
    let value = value.trim_matches('"');
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    // Digits that don't fit are still a number, if a large one.
    if is_number {
        value.parse().unwrap_or(u64::MAX)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(min: u64, status: u16, pairs: &[(&'static str, &str)]) -> u64 {
        let policy = CachePolicy {
            min_ttl: min,
            default_ttl: 60,
            max_ttl: 600,
            key: Default::default(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let errors = BTreeMap::from([(403, 0), (404, 0), (500, 5)]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        lifetime(
            &policy,
            &errors,
            StatusCode::from_u16(status).unwrap(),
            &headers,
            now,
        )
        .as_secs()
    }

    #[test]
    fn successes_keep_to_the_policys_bounds() {
        assert_eq!(seconds(0, 200, &[]), 60);
        assert_eq!(seconds(100, 200, &[]), 100);
        assert_eq!(seconds(0, 200, &[("cache-control", "max-age=30")]), 30);
        assert_eq!(seconds(0, 200, &[("cache-control", "max-age=9999")]), 600);
        assert_eq!(seconds(50, 200, &[("cache-control", "max-age=30")]), 50);
        assert_eq!(
            seconds(0, 200, &[("cache-control", "max-age=30, s-maxage=40")]),
            40
        );
        assert_eq!(seconds(0, 200, &[("cache-control", "public, No-Store")]), 0);
        assert_eq!(
            seconds(9, 200, &[("cache-control", "private, max-age=30")]),
            9
        );
        assert_eq!(seconds(0, 206, &[("cache-control", "max-age=30")]), 0);
        assert_eq!(seconds(9, 304, &[("cache-control", "max-age=30")]), 0);
    }

    #[test]
    fn a_malformed_age_is_stale() {
        for value in [
            "max-age=x",
            "max-age=-1",
            "max-age",
            "max-age=",
            "max-age=1.5",
            "max-age=+5",
            "s-maxage=x, max-age=30",
            "max-age=x, max-age=30",
        ] {
            assert_eq!(seconds(0, 200, &[("cache-control", value)]), 0, "{value}");
        }
        let far = "max-age=99999999999999999999999";
        assert_eq!(seconds(0, 200, &[("cache-control", far)]), 600);
        let shared = "max-age=x, s-maxage=\"30\"";
        assert_eq!(seconds(0, 200, &[("cache-control", shared)]), 30);
    }

    #[test]
    fn expires_counts_where_cache_control_is_silent() {
        // 1,000,000,000 s after the epoch is 2001-09-09 01:46:40.
        assert_eq!(
            seconds(0, 200, &[("expires", "Sun, 09 Sep 2001 01:47:10 GMT")]),
            30
        );
        assert_eq!(
            seconds(0, 200, &[("expires", "Sun, 09 Sep 2001 01:40:00 GMT")]),
            0
        );
        assert_eq!(seconds(0, 200, &[("expires", "0")]), 0);
        assert_eq!(
            seconds(0, 200, &[("expires", "0"), ("cache-control", "max-age=7")]),
            7
        );
    }

    #[test]
    fn errors_have_their_own_minimum() {
        assert_eq!(seconds(0, 404, &[]), 0);
        assert_eq!(seconds(0, 500, &[]), 5);
        assert_eq!(seconds(0, 502, &[]), 10);
        assert_eq!(seconds(0, 502, &[("cache-control", "no-store")]), 10);
        assert_eq!(seconds(0, 401, &[]), 0);
        assert_eq!(seconds(0, 403, &[("cache-control", "max-age=20")]), 20);
        assert_eq!(seconds(0, 418, &[("cache-control", "max-age=20")]), 0);
    }
}
