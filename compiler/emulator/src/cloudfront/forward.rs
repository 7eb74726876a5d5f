//! Which parts of a request reach the origin, and which make the cache's key.

use super::event::DISTRIBUTION_ID;
use crate::package::{Behavior, ForwardPolicy, Origin, Selection};
use frames_edge::event::{Header, Headers, Request};

/// What two requests must have in common to share an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    policy: String,
    origin: String,
    method: &'static str,
    uri: String,
    query: String,
    headers: Vec<(String, Vec<String>)>,
    cookies: String,
}

impl Key {
    /// The path and the query that an invalidation names the object by.
    pub(super) fn object(&self) -> (&str, &str) {
        (&self.uri, &self.query)
    }

    /// The id of the cache policy that it is kept by.
    pub(super) fn policy(&self) -> &str {
        &self.policy
    }
}

/// The cache key of a request, by the behavior's cache policy only.
pub(super) fn key(behavior: &Behavior, request: &Request) -> Key {
    let policy = &behavior.cache.key;
    let headers = request
        .headers
        .iter()
        .filter(|(name, _)| policy.headers.has(name))
        .map(|(name, values)| {
            (
                name.clone(),
                values.iter().map(|h| h.value.clone()).collect(),
            )
        })
        .collect();
    Key {
        policy: behavior.cache_id.clone(),
        origin: behavior.origin.clone(),
        // A HEAD is answered by what a GET brought.
        method: if request.method == "OPTIONS" {
            "OPTIONS"
        } else {
            "GET"
        },
        uri: request.uri.clone(),
        query: query(&request.querystring, |name| policy.query.has(name)),
        headers,
        cookies: cookies(&request.headers, &[policy]).unwrap_or_default(),
    }
}

/// The parameters that `keep` names, as they were written and in their order.
fn query(text: &str, keep: impl Fn(&str) -> bool) -> String {
    let kept: Vec<&str> = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(|pair| keep(pair.split('=').next().unwrap_or_default()))
        .collect();
    kept.join("&")
}

/// Conditions on the object, which a viewer that has a copy sends.
const CONDITIONS: [&str; 4] = [
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
];
/// Which part is wanted.
const PARTS: [&str; 2] = ["if-range", "range"];

/// Whether viewers' cookies go on. CloudFront then compares no copies of theirs.
/// Source: "Caching content based on cookies", Amazon CloudFront Developer Guide.
pub(super) fn forwards_cookies(behavior: &Behavior) -> bool {
    let policies = [&behavior.cache.key, &behavior.origin_request];
    policies.iter().any(|p| p.cookies != Selection::None)
}

/// The request for the origin: what the cache policy or the origin request
/// policy names, and what CloudFront always sends.
///
/// `validators` are of the expired object that the cache still has. With them, all of
/// the object is asked for, since the answer has to do for other viewers too. Without
/// them, conditions and ranges go on as the viewer sent them. CloudFront may ask for a
/// larger range, which isn't modelled.
///
/// Source: "Request and response behavior for custom origins" (conditional requests; HTTP
/// request headers), Amazon CloudFront Developer Guide.
pub(super) fn to_origin(
    behavior: &Behavior,
    origin: &Origin,
    request: &Request,
    validators: &[(&str, String)],
) -> Request {
    let policies = [&behavior.cache.key, &behavior.origin_request];
    let mut headers: Headers = request
        .headers
        .iter()
        .filter(|(name, _)| {
            name.as_str() != "cookie" && policies.iter().any(|p| p.headers.has(name))
        })
        .map(|(name, values)| (name.clone(), values.clone()))
        .collect();
    if let Some(cookies) = cookies(&request.headers, &policies) {
        headers.insert("cookie".to_owned(), one("Cookie", &cookies));
    }
    for name in ["content-length", "x-forwarded-for", "via"] {
        match request.headers.get(name) {
            Some(values) => headers.insert(name.to_owned(), values.clone()),
            None => headers.remove(name),
        };
    }
    conditions(behavior, request, validators, &mut headers);
    append(&mut headers, "X-Forwarded-For", &request.client_ip);
    append(&mut headers, "Via", &via());
    headers
        .entry("user-agent".to_owned())
        .or_insert_with(|| one("User-Agent", "Amazon CloudFront"));
    if !policies.iter().any(|p| p.headers.has("host")) {
        headers.insert("host".to_owned(), one("Host", &origin.domain_name));
    }
    let query = if policies.iter().any(|p| p.query == Selection::All) {
        request.querystring.clone()
    } else {
        query(&request.querystring, |name| {
            policies.iter().any(|p| p.query.has(name))
        })
    };
    Request {
        headers,
        querystring: query,
        origin: Some(super::event::origin(origin)),
        ..request.clone()
    }
}

fn conditions(
    behavior: &Behavior,
    request: &Request,
    validators: &[(&str, String)],
    headers: &mut Headers,
) {
    if !validators.is_empty() {
        for name in CONDITIONS.iter().chain(&PARTS) {
            headers.remove(*name);
        }
        for (name, value) in validators {
            headers.insert(name.to_ascii_lowercase(), one(name, value));
        }
        return;
    }
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let conditions = CONDITIONS
        .iter()
        .filter(|_| reads && !forwards_cookies(behavior));
    let parts = PARTS.iter().filter(|_| request.method == "GET");
    for name in conditions.chain(parts) {
        if let Some(values) = request.headers.get(*name) {
            headers.insert((*name).to_owned(), values.clone());
        }
    }
}

/// This edge, in `Via`.
pub(super) fn via() -> String {
    format!(
        "1.1 {}.cloudfront.net (CloudFront)",
        DISTRIBUTION_ID.to_ascii_lowercase()
    )
}

fn one(key: &str, value: &str) -> Vec<Header> {
    vec![Header {
        key: Some(key.to_owned()),
        value: value.to_owned(),
    }]
}

fn append(headers: &mut Headers, key: &str, value: &str) {
    let held = headers.entry(key.to_ascii_lowercase()).or_default();
    let mut values: Vec<&str> = held.iter().map(|h| h.value.as_str()).collect();
    values.push(value);
    *held = one(key, &values.join(", "));
}

fn cookies(headers: &Headers, policies: &[&ForwardPolicy]) -> Option<String> {
    let kept: Vec<&str> = headers
        .get("cookie")?
        .iter()
        .flat_map(|h| h.value.split(';'))
        .map(str::trim)
        .filter(|cookie| {
            let name = cookie.split('=').next().unwrap_or_default();
            policies.iter().any(|p| p.cookies.has(name))
        })
        .collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::package::CachePolicy;
    use serde_json::json;
    use std::time::Duration;

    fn listed(names: &[&str]) -> Selection {
        Selection::Listed(names.iter().map(|&n| n.to_owned()).collect())
    }

    pub(crate) fn behavior() -> Behavior {
        Behavior {
            pattern: None,
            origin: "o".to_owned(),
            allowed_methods: vec![],
            cached_methods: vec![],
            cache: CachePolicy {
                min_ttl: 0,
                default_ttl: 60,
                max_ttl: 600,
                key: ForwardPolicy {
                    headers: listed(&["accept"]),
                    query: listed(&["imageSetId"]),
                    cookies: Selection::None,
                },
            },
            cache_id: "c".to_owned(),
            origin_request: ForwardPolicy {
                headers: listed(&["content-type"]),
                query: listed(&["version"]),
                cookies: Selection::None,
            },
            response_headers: None,
            viewer_request: None,
            origin_request_function: None,
            origin_response_function: None,
        }
    }

    fn origin() -> Origin {
        Origin {
            id: "o".to_owned(),
            domain_name: "origin.example".to_owned(),
            https_port: 443,
            path: String::new(),
            shielded: false,
            read_timeout: Duration::from_secs(30),
            keepalive_timeout: 5,
            ssl_protocols: vec![],
            custom_headers: vec![],
        }
    }

    fn request(querystring: &str, headers: &[(&str, &str)]) -> Request {
        let headers: serde_json::Map<String, serde_json::Value> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!([{"key": name, "value": value}])))
            .collect();
        serde_json::from_value(json!({
            "clientIp": "127.0.0.1", "method": "GET", "uri": "/a", "querystring": querystring, "headers": headers
        }))
        .unwrap()
    }

    #[test]
    fn only_what_the_cache_policy_names_is_in_the_key() {
        let of = |query: &str, headers: &[(&str, &str)]| key(&behavior(), &request(query, headers));
        let plain = of("imageSetId=1", &[("accept", "image/jph")]);
        assert_eq!(
            plain,
            of(
                "token=t&imageSetId=1&x=2",
                &[
                    ("accept", "image/jph"),
                    ("authorization", "b"),
                    ("token", "t")
                ]
            )
        );
        assert_ne!(plain, of("imageSetId=2", &[("accept", "image/jph")]));
        assert_ne!(plain, of("imageSetId=1", &[("accept", "*/*")]));
        assert_ne!(plain, of("imageSetId=1", &[]));
        assert!(!format!("{:?}", of("token=secret", &[("cookie", "a=secret")])).contains("secret"));
    }

    #[test]
    fn a_head_shares_the_gets_key() {
        let mut head = request("", &[]);
        head.method = "HEAD".to_owned();
        assert_eq!(key(&behavior(), &head), key(&behavior(), &request("", &[])));
    }

    #[test]
    fn the_origin_gets_what_the_policies_name_and_what_cloudfront_adds() {
        let viewer = request(
            "a=1&imageSetId=2&version=3&token=t",
            &[
                ("accept", "x"),
                ("content-type", "y"),
                ("authorization", "z"),
                ("user-agent", "curl"),
                ("host", "viewer"),
                ("cookie", "c=1"),
            ],
        );
        let sent = to_origin(&behavior(), &origin(), &viewer, &[]);
        assert_eq!(sent.querystring, "imageSetId=2&version=3");
        let names: Vec<&str> = sent.headers.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "accept",
                "content-type",
                "host",
                "user-agent",
                "via",
                "x-forwarded-for"
            ]
        );
        assert_eq!(sent.header("host"), Some("origin.example"));
        assert_eq!(sent.header("user-agent"), Some("Amazon CloudFront"));
        assert_eq!(sent.header("x-forwarded-for"), Some("127.0.0.1"));
        let origin = sent.origin.as_ref().unwrap();
        assert_eq!(origin["custom"]["domainName"], "origin.example");
    }

    const CONDITIONAL: &[(&str, &str)] = &[
        ("if-match", "*"),
        ("if-none-match", "\"v1\""),
        ("if-range", "\"v1\""),
        ("range", "bytes=0-9"),
    ];

    fn conditional(
        behavior: &Behavior,
        method: &str,
        validators: &[(&str, String)],
    ) -> Vec<String> {
        let mut viewer = request("", CONDITIONAL);
        viewer.method = method.to_owned();
        let sent = to_origin(behavior, &origin(), &viewer, validators);
        let names = CONDITIONS.iter().chain(&PARTS);
        names
            .filter_map(|name| Some(format!("{name}: {}", sent.header(name)?)))
            .collect()
    }

    #[test]
    fn conditions_and_ranges_go_on_with_what_reads() {
        let all = [
            "if-match: *",
            "if-none-match: \"v1\"",
            "if-range: \"v1\"",
            "range: bytes=0-9",
        ];
        assert_eq!(conditional(&behavior(), "GET", &[]), all);
        assert_eq!(conditional(&behavior(), "HEAD", &[]), all[..2]);
        assert!(conditional(&behavior(), "POST", &[]).is_empty());
        let mut with_cookies = behavior();
        with_cookies.origin_request.cookies = Selection::All;
        assert_eq!(conditional(&with_cookies, "GET", &[]), all[2..]);
    }

    #[test]
    fn an_expired_object_is_asked_about_in_the_caches_own_name() {
        let validators = [
            ("If-None-Match", "\"v0\"".to_owned()),
            ("If-Modified-Since", "then".to_owned()),
        ];
        assert_eq!(
            conditional(&behavior(), "GET", &validators),
            ["if-modified-since: then", "if-none-match: \"v0\""]
        );
    }

    #[test]
    fn all_leaves_the_query_byte_for_byte() {
        let mut all = behavior();
        all.origin_request.query = Selection::All;
        let sent = to_origin(&all, &origin(), &request("&b=%20&&a", &[]), &[]);
        assert_eq!(sent.querystring, "&b=%20&&a");
    }
}
