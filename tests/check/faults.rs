//! What can be wrong with an endpoint, one by one.

use crate::support::edge::{Fault, Head, IMAGES};
use crate::support::https::Shown;
use rustls::SupportedProtocolVersion;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// Under CloudFront's own certificate, its own policy holds: TLS 1.2 and 1.3 are both expected.
const CLOUDFRONTS: &str = "d111111abcdef8.cloudfront.net";

static ONLY_13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
static ONLY_12: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS12];

fn is_frame(request: &Head) -> bool {
    request.first.contains("/frames/1?")
}

/// DICOMweb's search of studies, which has a behavior of its own.
fn is_search(request: &Head) -> bool {
    request.first.contains("/studies HTTP/")
}

/// Someone else's token, on every request that has none.
fn authorized(token: &str) -> impl Fn(&mut Head) + Send + Sync + 'static {
    let bearer = format!("Bearer {token}");
    move |request| {
        if request.field("authorization").is_empty() {
            request.set("authorization", &bearer);
        }
    }
}

/// TLS 1.2 isn't spoken: wrong where the policy has it.
pub fn only_13(host: &'static str, names: &'static [&'static str]) -> Fault {
    Fault {
        shown: Shown {
            names,
            days: None,
            versions: &ONLY_13,
        },
        host,
        ..Fault::default()
    }
}

/// What is put in, and the only lines that tell of it.
pub fn faults(token: &str) -> Vec<(&'static str, Fault, &'static [&'static str])> {
    let shown = |names, days, versions| Fault {
        shown: Shown {
            names,
            days,
            versions,
        },
        ..Fault::default()
    };
    let all = rustls::DEFAULT_VERSIONS;
    let without = |name: &'static str| Fault::on_answer(move |_, answer| answer.remove(name));
    let [bearer, other, another] = [(); 3].map(|()| format!("Bearer {token}"));
    let kept = Mutex::new(BTreeSet::new());
    vec![
        (
            "no authorizer",
            Fault::on_request(authorized(token)),
            &["no-token", "behaviors", "kept-for-whom"],
        ),
        (
            "one behavior without its authorizer",
            Fault::on_request(move |request| {
                if is_search(request) && request.field("authorization").is_empty() {
                    request.set("authorization", &another);
                }
            }),
            &["behaviors"],
        ),
        (
            "one behavior without its authorizer, of which the service refuses what nobody has",
            Fault::on_answer(|request, answer| {
                if is_search(request) && request.field("authorization").is_empty() {
                    answer.first = "HTTP/1.1 404 Not Found".to_owned();
                    answer.remove("www-authenticate");
                    answer.set("x-amzn-errortype", "ResourceNotFoundException");
                }
            }),
            &["behaviors"],
        ),
        (
            "an authorizer that takes any token",
            Fault::on_request(move |request| {
                let is_unsigned = request.field("authorization").ends_with('.');
                if is_unsigned {
                    request.set("authorization", &bearer);
                }
            }),
            &["unsigned-token"],
        ),
        (
            "a cache before the authorizer",
            Fault::on_request(move |request| {
                if is_frame(request) && request.field("authorization").is_empty() {
                    request.set("authorization", &other);
                }
            }),
            &["kept-for-whom"],
        ),
        (
            "requests without TLS are served",
            Fault {
                plain: true,
                ..Fault::default()
            },
            &["plain-http"],
        ),
        (
            "TLS 1.0 is spoken",
            Fault {
                old_tls: Some("-tls1"),
                ..Fault::default()
            },
            &["tls-1.0"],
        ),
        (
            "TLS 1.1 is spoken",
            Fault {
                old_tls: Some("-tls1_1"),
                ..Fault::default()
            },
            &["tls-1.1"],
        ),
        (
            "TLS 1.2 isn't spoken",
            only_13(CLOUDFRONTS, &[CLOUDFRONTS]),
            &["tls-1.2"],
        ),
        (
            "TLS 1.3 isn't spoken",
            shown(&[IMAGES], None, &ONLY_12),
            &["tls-1.3"],
        ),
        (
            "another name's certificate",
            shown(&["other.test"], None, all),
            &["certificate"],
        ),
        (
            "a certificate that nobody renews",
            shown(&[IMAGES], Some(3), all),
            &["certificate"],
        ),
        (
            "an expired certificate",
            shown(&[IMAGES], Some(0), all),
            &["certificate"],
        ),
        (
            "an error out of a cache",
            Fault::on_answer(|_, answer| {
                if answer.status() == "404" {
                    answer.set("age", "7");
                }
            }),
            &["error-cache"],
        ),
        (
            "an error that a cache may keep",
            Fault::on_answer(|_, answer| {
                if answer.status().starts_with('4') {
                    answer.remove("cache-control");
                }
            }),
            &["error-cache"],
        ),
        (
            "no HSTS",
            without("strict-transport-security"),
            &["security-headers"],
        ),
        (
            "no nosniff",
            without("x-content-type-options"),
            &["nosniff", "security-headers"],
        ),
        ("no challenge", without("www-authenticate"), &["no-token"]),
        (
            "images for every cache on the way",
            Fault::on_answer(|request, answer| {
                if is_frame(request) {
                    answer.set("cache-control", "public, max-age=60");
                }
            }),
            // The refusal of a kept frame has it, too.
            &["browser-cache", "error-cache"],
        ),
        (
            "one browser's users see each other's images",
            Fault::on_answer(|request, answer| {
                if is_frame(request) && answer.status() == "200" {
                    answer.set("cache-control", "private, max-age=60");
                    answer.remove("vary");
                }
            }),
            &["browser-cache"],
        ),
        (
            "the token at the origin, which sends it back",
            Fault::on_answer(|request, answer| {
                let token = request.field("authorization").replace("Bearer ", "");
                if is_frame(request) && !token.is_empty() {
                    answer.set("x-seen", &token);
                }
            }),
            &["token-echo"],
        ),
        (
            "a cookie",
            Fault::on_answer(|_, answer| answer.set("set-cookie", "a=b")),
            &["token-echo"],
        ),
        (
            "the token in the cache's key",
            Fault::on_answer(move |request, answer| {
                let token = request.field("authorization").to_owned();
                let is_new = kept.lock().unwrap().insert(token);
                if is_frame(request) && is_new && answer.status() == "200" {
                    answer.set("x-cache", "Miss from cloudfront");
                }
            }),
            &["token-in-key"],
        ),
        (
            "CORS that sends any origin back",
            Fault::on_answer(|request, answer| {
                let origin = request.field("origin").to_owned();
                if !origin.is_empty() {
                    answer.set("access-control-allow-origin", &origin);
                }
            }),
            &["foreign-origin"],
        ),
        (
            "CORS for all, with credentials",
            Fault::on_answer(|_, answer| {
                answer.set("access-control-allow-origin", "*");
                answer.set("access-control-allow-credentials", "true");
            }),
            &["foreign-origin"],
        ),
        (
            "a viewer's page that can't send its token",
            without("access-control-allow-headers"),
            &["preflight"],
        ),
        (
            "a path that isn't refused",
            Fault::on_answer(|request, answer| {
                if request.first.contains("/frames-check") {
                    answer.first = "HTTP/1.1 200 OK".to_owned();
                }
            }),
            &["unknown-path"],
        ),
        (
            "a method that isn't refused",
            Fault::on_answer(|request, answer| {
                if request.is("DELETE") {
                    answer.first = "HTTP/1.1 200 OK".to_owned();
                }
            }),
            &["method"],
        ),
    ]
}
