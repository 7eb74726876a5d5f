//! What the response headers policies add to every answer, CORS included.

use crate::check::Delivery;
use crate::names;
use frames_edge::Cors;
use frames_edge::cors::{ALLOWED_HEADERS, EXPOSED_HEADERS, PREFLIGHT_SECONDS};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(in crate::plan) struct ResponseHeaders {
    policies: Vec<HeadersPolicy>,
    cors: Option<CorsView>,
}

impl ResponseHeaders {
    pub(super) fn count(&self) -> usize {
        self.policies.len()
    }

    /// The origins whose pages may read the answers, where any may.
    pub(in crate::plan) fn origins_mut(&mut self) -> Option<&mut Vec<String>> {
        self.cors.as_mut().map(|cors| &mut cors.origins)
    }
}

#[derive(Debug, Clone, Serialize)]
struct HeadersPolicy {
    id: &'static str,
    name: String,
    comment: &'static str,
    /// Of no section of their own.
    custom: Vec<CustomHeader>,
}

#[derive(Debug, Clone, Serialize)]
struct CustomHeader {
    name: &'static str,
    value: String,
    /// In the place of what the origin, or the signer in its place, says.
    overrides: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct CorsView {
    origins: Vec<String>,
    credentials: bool,
    methods: &'static [&'static str],
    headers: &'static [&'static str],
    expose: &'static [&'static str],
    max_age: u32,
}

/// The policy of the searches: their results change with every import, so that
/// a browser that keeps other answers keeps none of theirs.
pub(super) fn search_policy(delivery: &Delivery) -> &'static str {
    match delivery.cache_browser {
        0 => names::RESPONSE_HEADERS_POLICY,
        _ => names::SEARCH_HEADERS_POLICY,
    }
}

pub(super) fn response_headers(delivery: &Delivery, stack: &str) -> ResponseHeaders {
    let mut policies = vec![HeadersPolicy {
        id: names::RESPONSE_HEADERS_POLICY,
        name: names::policy(stack, "headers"),
        comment: "CORS, caching and security headers",
        custom: caching(delivery.cache_browser),
    }];
    if delivery.dicomweb && delivery.cache_browser > 0 {
        policies.push(HeadersPolicy {
            id: names::SEARCH_HEADERS_POLICY,
            name: names::policy(stack, "search-headers"),
            comment: "The same for searches, which no browser keeps",
            custom: caching(0),
        });
    }
    ResponseHeaders {
        policies,
        cors: cors(&delivery.cors),
    }
}

/// What a browser, or a proxy on the way to it, may keep. CloudFront sends it to
/// viewers only; its own cache goes by the cache policy.
fn caching(seconds: u64) -> Vec<CustomHeader> {
    let header = |name, value: String, overrides| CustomHeader {
        name,
        value,
        overrides,
    };
    match seconds {
        0 => vec![header(
            "Cache-Control",
            "private, no-store".to_owned(),
            true,
        )],
        _ => vec![
            // The refusals that the functions make say `no-store`, and must go on saying it.
            header(
                "Cache-Control",
                format!("private, max-age={seconds}"),
                false,
            ),
            // What else an answer depends on: another token asks again.
            header(
                "Vary",
                "Accept, Authorization, Origin, Token".to_owned(),
                true,
            ),
        ],
    }
}

fn cors(cors: &Cors) -> Option<CorsView> {
    (!cors.origins.is_empty()).then(|| CorsView {
        origins: cors.origins.clone(),
        credentials: cors.credentials,
        methods: &["GET", "HEAD", "POST", "OPTIONS"],
        headers: &ALLOWED_HEADERS,
        expose: &EXPOSED_HEADERS,
        max_age: PREFLIGHT_SECONDS,
    })
}
