//! What CloudFront does to a response on its way out: the response headers
//! policy, and its own headers.

use super::{forward, names};
use crate::package::{Cors, ResponseHeadersPolicy};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The edge location in `X-Amz-Cf-Pop`: none of AWS's.
pub(super) const POP: &str = "DEV50-P1";

/// Drops what an origin may not say to a viewer.
pub(super) fn strip(headers: &mut HeaderMap) {
    let dropped: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            names::is_hop_by_hop(name)
                || name == "x-cache"
                || name.starts_with("x-amz-cf-")
                || name.starts_with("x-edge-")
        })
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// Applies a response headers policy. `origin` is the viewer's `Origin`.
pub(super) fn apply(
    policy: &ResponseHeadersPolicy,
    method: &str,
    origin: Option<&str>,
    headers: &mut HeaderMap,
) {
    for name in &policy.remove {
        headers.remove(name.as_str());
    }
    if let Some(cors) = &policy.cors {
        apply_cors(cors, method, origin, headers);
    }
    for extra in &policy.security {
        put(headers, &extra.name, &extra.value, extra.origin_override);
    }
}

/// Without an `Origin` there are no CORS headers, only `Vary: Origin`, since
/// the answer would have been another with one.
fn apply_cors(cors: &Cors, method: &str, origin: Option<&str>, headers: &mut HeaderMap) {
    let any = cors.origins.iter().any(|o| o == "*");
    let echoes = !any || cors.credentials;
    if echoes || origin.is_none() {
        vary_on_origin(headers);
    }
    if cors.origin_override {
        let held: Vec<HeaderName> = headers
            .keys()
            .filter(|n| n.as_str().starts_with("access-control-"))
            .cloned()
            .collect();
        for name in held {
            headers.remove(name);
        }
    } else if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    let Some(origin) =
        origin.filter(|o| any || cors.origins.iter().any(|allowed| allows(allowed, o)))
    else {
        return;
    };
    let allowed = if echoes { origin } else { "*" };
    put(headers, "access-control-allow-origin", allowed, true);
    if cors.credentials {
        put(headers, "access-control-allow-credentials", "true", true);
    }
    if !cors.expose.is_empty() {
        put(
            headers,
            "access-control-expose-headers",
            &cors.expose.join(","),
            true,
        );
    }
    if method == "OPTIONS" {
        answer_preflight(cors, headers);
    }
}

fn answer_preflight(cors: &Cors, headers: &mut HeaderMap) {
    put(
        headers,
        "access-control-allow-methods",
        &cors.methods.join(", "),
        true,
    );
    if !cors.headers.is_empty() {
        put(
            headers,
            "access-control-allow-headers",
            &cors.headers.join(","),
            true,
        );
    }
    if let Some(seconds) = cors.max_age {
        put(
            headers,
            "access-control-max-age",
            &seconds.to_string(),
            true,
        );
    }
}

/// An allowed origin may hold a wildcard for a subdomain: `https://*.example.org`. AWS doesn't
/// say how many labels it stands for; here it is one, so that what works here works there.
fn allows(allowed: &str, origin: &str) -> bool {
    match allowed.split_once("*.") {
        None => allowed.eq_ignore_ascii_case(origin),
        Some((scheme, domain)) => origin
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_suffix(domain))
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|label| !label.is_empty() && !label.contains(['/', ':', '.', '@'])),
    }
}

fn vary_on_origin(headers: &mut HeaderMap) {
    let values = headers.get_all(header::VARY).iter();
    let named = values
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|v| v.trim().eq_ignore_ascii_case("origin") || v.trim() == "*");
    if !named {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str, replace: bool) {
    let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) else {
        return;
    };
    if replace || !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}

/// CloudFront's own headers, which nobody else may set.
pub(super) fn sign_off(headers: &mut HeaderMap, id: &str, x_cache: &str, age: Option<u64>) {
    let via = match headers.get(header::VIA).and_then(|v| v.to_str().ok()) {
        Some(held) => format!("{held}, {}", forward::via()),
        None => forward::via(),
    };
    put(headers, "via", &via, true);
    put(headers, "x-cache", x_cache, true);
    put(headers, "x-amz-cf-pop", POP, true);
    put(headers, "x-amz-cf-id", id, true);
    if let Some(age) = age {
        put(headers, "age", &age.to_string(), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::SecurityHeader;

    fn cors(origins: &[&str]) -> ResponseHeadersPolicy {
        ResponseHeadersPolicy {
            cors: Some(Cors {
                origins: origins.iter().map(|&o| o.to_owned()).collect(),
                methods: vec!["GET".to_owned(), "POST".to_owned()],
                headers: vec!["Authorization".to_owned()],
                expose: vec!["X-Cache".to_owned()],
                max_age: Some(600),
                credentials: false,
                origin_override: true,
            }),
            ..Default::default()
        }
    }

    fn applied(policy: &ResponseHeadersPolicy, method: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            "access-control-allow-origin",
            HeaderValue::from_static("https://from.origin"),
        );
        apply(policy, method, origin, &mut headers);
        headers
    }

    #[test]
    fn any_origin_is_a_star() {
        let headers = applied(&cors(&["*"]), "GET", Some("https://a.example"));
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["access-control-expose-headers"], "X-Cache");
        assert!(!headers.contains_key("access-control-allow-methods"));
        assert!(!headers.contains_key("vary"));
    }

    #[test]
    fn a_listed_origin_is_echoed_and_another_gets_nothing() {
        let policy = cors(&["https://a.example", "https://*.b.example"]);
        for origin in ["https://a.example", "https://x.b.example"] {
            let headers = applied(&policy, "GET", Some(origin));
            assert_eq!(headers["access-control-allow-origin"], origin);
            assert_eq!(headers["vary"], "Origin");
        }
        for origin in [
            "https://c.example",
            "https://b.example",
            "https://a.example.evil",
            "https://evil/.b.example",
            "https://x.y.b.example",
            "https://evil@x.b.example",
        ] {
            let headers = applied(&policy, "GET", Some(origin));
            assert!(
                !headers.contains_key("access-control-allow-origin"),
                "{origin}"
            );
        }
    }

    #[test]
    fn a_plain_request_gets_vary_alone() {
        let headers = applied(&cors(&["*"]), "GET", None);
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert_eq!(headers["vary"], "Origin");
    }

    #[test]
    fn a_preflight_gets_what_is_allowed() {
        let headers = applied(&cors(&["*"]), "OPTIONS", Some("https://a.example"));
        assert_eq!(headers["access-control-allow-methods"], "GET, POST");
        assert_eq!(headers["access-control-allow-headers"], "Authorization");
        assert_eq!(headers["access-control-max-age"], "600");
    }

    #[test]
    fn override_decides_between_policy_and_origin() {
        let mut policy = ResponseHeadersPolicy::default();
        for (name, origin_override) in [("x-one", true), ("x-two", false), ("x-three", false)] {
            policy.security.push(SecurityHeader {
                name: name.to_owned(),
                value: "policy".to_owned(),
                origin_override,
            });
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-one", HeaderValue::from_static("origin"));
        headers.insert("x-two", HeaderValue::from_static("origin"));
        apply(&policy, "GET", None, &mut headers);
        assert_eq!(headers["x-one"], "policy");
        assert_eq!(headers["x-two"], "origin");
        assert_eq!(headers["x-three"], "policy");
    }
}
