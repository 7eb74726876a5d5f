//! What `delivery`, `domain` and the like change for a viewer of `frames dev`.
//! CORS is in `browser.rs`, where a browser holds it.
//!
//! The edge is our model of CloudFront and AWS WAF, not these.

use crate::support::dev::{Dev, Reply, dicomweb_path, native_path};
use crate::support::frames::Project;
use crate::support::process::eventually;
use crate::support::read;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Without tokens, one data store.
fn start(delivery: &str) -> Dev {
    start_with(&format!("delivery: {{dicomweb: true, {delivery}}}"))
}

fn start_with(blocks: &str) -> Dev {
    start_as("{mode: none}", "", blocks)
}

fn start_as(auth: &str, iam: &str, blocks: &str) -> Dev {
    Dev::start(
        &Project::new(&format!(
            "service: x
auth: {auth}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]{iam}}}
{blocks}
"
        )),
        &[],
    )
}

fn post(dev: &Dev, body: &str, headers: &[(&str, &str)]) -> Reply {
    let url = format!("{}{}", dev.url(), native_path(dev));
    dev.request("POST", &url, headers, Some(body))
}

/// The fixture's frame, by the native API.
fn frame(dev: &Dev, headers: &[(&str, &str)]) -> Reply {
    let body = json!({"imageFrameId": dev.ready["frame"]["imageFrameId"]}).to_string();
    post(dev, &body, headers)
}

/// The same by DICOMweb.
fn part(dev: &Dev) -> Reply {
    let url = format!("{}{}", dev.url(), dicomweb_path(dev));
    dev.request("GET", &url, &[], None)
}

fn is_blocked(reply: &Reply) -> bool {
    reply.status == 403 && reply.text().contains("web ACL")
}

#[test]
fn a_country_is_what_the_viewer_says() {
    for (geo, served, refused) in [
        ("geo: {allow: [US, CA]}", "CA", "KP"),
        ("geo: {deny: [KP]}", "CA", "KP"),
    ] {
        let dev = start(geo);
        let from = |country| frame(&dev, &[("CloudFront-Viewer-Country", country)]);
        assert_eq!(from(served).status, 200, "{geo}");
        let reply = from(refused);
        assert_eq!(reply.status, 403, "{geo}");
        assert!(reply.text().contains("from your country"), "{geo}");
        assert_eq!(frame(&dev, &[]).status, 200, "{geo}: of no country");
    }
}

#[test]
fn an_address_is_blocked_at_the_rate_limit() {
    let dev = start("rateLimit: 10");
    for request in 0..10 {
        assert_eq!(frame(&dev, &[]).status, 200, "{request}");
    }
    assert!(is_blocked(&frame(&dev, &[])));
    // From the cache neither.
    assert!(is_blocked(&part(&dev)));
}

#[test]
fn the_managed_web_acl_blocks_what_is_too_large() {
    let (at_limit, over) = ("x".repeat(8_192), "x".repeat(8_193));
    let huge = "x".repeat(1_100_000);
    let managed = start("webAcl: managed");
    assert!(!is_blocked(&post(&managed, &at_limit, &[])));
    assert!(is_blocked(&post(&managed, &over, &[])));
    assert!(is_blocked(&post(
        &managed,
        "{}",
        &[("Cookie", &"x".repeat(10_241))]
    )));
    let said = notes(managed).join("\n");
    assert!(
        said.contains("AWSManagedRulesAmazonIpReputationList"),
        "{said}"
    );
    let none = start("webAcl: none");
    assert!(!is_blocked(&post(&none, &over, &[])));
    assert_eq!(post(&none, &huge, &[]).status, 413, "by the signer");
    let arn = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/frames/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11";
    let own = start(&format!("webAclArn: '{arn}'"));
    assert!(!is_blocked(&post(&own, &over, &[])));
    let said = notes(own).join("\n");
    assert!(said.contains("nothing is blocked here"), "{said}");
}

#[test]
fn a_long_query_is_blocked_where_no_token_may_stand_in_it() {
    for (sources, blocked) in [("[header]", true), ("[header, query]", false)] {
        let auth = format!(
            "{{mode: oidc, issuer: 'https://issuer.example', audience: a, tokenSources: {sources}}}"
        );
        let dev = start_as(&auth, "", "");
        let url = format!(
            "{}{}?token={}",
            dev.url(),
            native_path(&dev),
            "x".repeat(2_100)
        );
        let reply = dev.request("POST", &url, &[], Some("{}"));
        assert_eq!(is_blocked(&reply), blocked, "{sources}: {}", reply.status);
    }
}

#[test]
fn an_answer_is_kept_for_as_long_as_the_manifest_says() {
    let never = start("cache: {ttl: 0s}");
    for _ in 0..2 {
        assert_eq!(part(&never).header("x-cache"), "Miss from cloudfront");
    }
    let dev = start("cache: {ttl: 2s}");
    // On a busy machine, two seconds may pass between two requests.
    let (mut filled, mut was_hit) = (Instant::now(), false);
    eventually("a miss after a hit", || {
        let asked = Instant::now();
        let reply = part(&dev);
        if reply.header("x-cache") == "Hit from cloudfront" {
            was_hit = true;
            let age: u64 = reply.header("age").parse().unwrap();
            assert!(age <= 2, "{age} s");
            return None;
        }
        assert_eq!(reply.header("x-cache"), "Miss from cloudfront");
        if was_hit {
            assert!(filled.elapsed() >= Duration::from_secs(2));
            return Some(());
        }
        filled = asked;
        None
    });
}

/// The authorizer answers some requests, the policy is on the answers to all others.
#[test]
fn a_page_may_send_and_read_the_same_whoever_answers() {
    let dev = start_as(
        "{mode: oidc, issuer: 'https://issuer.example', audience: a}",
        "",
        "delivery: {dicomweb: true, webAcl: none, cors: {origins: ['http://127.0.0.1:18600']}}",
    );
    let url = format!("{}{}", dev.url(), dicomweb_path(&dev));
    let origin = ("Origin", "http://127.0.0.1:18600");
    let words = |reply: &Reply, name: &str| -> BTreeSet<String> {
        let list = reply.header(name).to_ascii_lowercase();
        list.split(',').map(|word| word.trim().to_owned()).collect()
    };
    // What OHIF's browser asks before it fetches a frame, and what a progressive loader's does.
    for asked in [
        "authorization",
        "accept,authorization",
        "authorization,if-none-match,range",
    ] {
        let preflight = [
            origin,
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", asked),
        ];
        let reply = dev.request("OPTIONS", &url, &preflight, None);
        assert_eq!(reply.status, 204);
        assert_eq!(reply.header("access-control-allow-origin"), origin.1);
        assert!(words(&reply, "access-control-allow-methods").contains("get"));
        let allowed = words(&reply, "access-control-allow-headers");
        let missing: Vec<&str> = asked.split(',').filter(|n| !allowed.contains(*n)).collect();
        assert!(missing.is_empty(), "{asked}: {missing:?}");
        assert_eq!(reply.header("access-control-max-age"), "7200");
    }
    let bearer = format!("Bearer {}", dev.token());
    let missing = url.replace("frames/1", "frames/99");
    let exposed: Vec<BTreeSet<String>> = [
        (&url, vec![origin], 401),
        (&url, vec![origin, ("Authorization", bearer.as_str())], 200),
        (
            &missing,
            vec![origin, ("Authorization", bearer.as_str())],
            404,
        ),
    ]
    .into_iter()
    .map(|(url, headers, status)| {
        let reply = dev.request("GET", url, &headers, None);
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.header("access-control-allow-origin"), origin.1);
        words(&reply, "access-control-expose-headers")
    })
    .collect();
    assert_eq!(exposed[0], exposed[1]);
    assert_eq!(exposed[1], exposed[2]);
    for name in [
        "accept-ranges",
        "content-length",
        "content-range",
        "etag",
        "retry-after",
    ] {
        assert!(exposed[0].contains(name), "{name}");
    }
}

/// HealthImaging doesn't document ranges, and its stand-in ignores them. CloudFront cuts
/// them from what it holds.
#[test]
fn a_part_of_a_frame_is_cut_from_what_the_edge_holds() {
    let dev = start("webAcl: none");
    let url = format!("{}{}", dev.url(), dicomweb_path(&dev));
    let get = |url: &str, headers: &[(&str, &str)]| dev.request("GET", url, headers, None);
    let whole = get(&url, &[("Range", "bytes=0-99")]);
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert_eq!(whole.header("x-cache"), "Miss from cloudfront");
    let length = whole.body.len();
    let range = |start: usize, end: usize| format!("bytes {start}-{}/{length}", end - 1);
    let ends = format!("bytes={}-", length - 10);
    for (asked, part) in [
        ("bytes=0-99", 0..100),
        ("bytes=100-199", 100..200),
        ("bytes=-10", length - 10..length),
        (ends.as_str(), length - 10..length),
    ] {
        let reply = get(&url, &[("Range", asked), ("Origin", "https://a.example")]);
        assert_eq!(reply.status, 206, "{asked}");
        assert_eq!(reply.header("x-cache"), "Hit from cloudfront", "{asked}");
        let said = range(part.start, part.end);
        assert_eq!(reply.header("content-range"), said, "{asked}");
        assert!(reply.body == whole.body[part], "{asked}");
        let exposed = reply.header("access-control-expose-headers");
        assert!(exposed.contains("Content-Range"), "{exposed}");
        assert_eq!(reply.header("cache-control"), "private, no-store");
    }
    let behind = get(&url, &[("Range", &format!("bytes={length}-"))]);
    assert_eq!(behind.status, 416);
    assert_eq!(behind.header("content-range"), format!("bytes */{length}"));
    // No tag of the origin's, and so none of the edge's.
    assert_eq!(whole.header("etag"), "");
    let conditional = get(&url, &[("If-None-Match", "*"), ("If-Range", "\"v1\"")]);
    assert_eq!(conditional.status, 200);
    // A range is part of a miss, and the signature holds with it: no error of the origin's.
    let other = url.replace("frames/1", "metadata");
    let miss = get(&other, &[("Range", "bytes=0-9"), ("If-Range", "\"v1\"")]);
    assert_eq!(miss.status, 200, "{}", miss.text());
    assert_eq!(get(&other, &[("Range", "bytes=0-9")]).status, 206);
    let native = frame(&dev, &[("Range", "bytes=0-9")]);
    assert_eq!((native.status, native.header("content-range")), (200, ""));
}

#[test]
fn browsers_keep_what_the_manifest_says_and_no_refusal() {
    for (cache, said, varies) in [
        ("", "private, no-store", ""),
        (
            "cache: {browser: 1h}, ",
            "private, max-age=3600",
            "Accept, Authorization, Origin, Token",
        ),
    ] {
        let dev = start_as(
            "{mode: oidc, issuer: 'https://issuer.example', audience: a, tokenSources: [header, query]}",
            "",
            &format!("delivery: {{dicomweb: true, {cache}cors: {{origins: []}}, webAcl: none}}"),
        );
        let token = dev.token().to_owned();
        let with = [("token", token.as_str())];
        let part = |path: &str| {
            let url = format!("{}{path}", dev.url());
            dev.request("GET", &url, &with, None)
        };
        let by_query = format!("{}&token={token}", dicomweb_path(&dev));
        let url = format!("{}{by_query}", dev.url());
        let served = [
            frame(&dev, &with),
            part(&dicomweb_path(&dev)),
            // From the edge's cache.
            part(&dicomweb_path(&dev)),
            dev.request("GET", &url, &[], None),
        ];
        for reply in served {
            assert_eq!(reply.status, 200, "{cache}: {}", reply.text());
            assert_eq!(reply.header("cache-control"), said, "{cache}");
            if !varies.is_empty() {
                assert_eq!(reply.header("vary"), varies, "{cache}");
            }
        }
        let (path, huge) = (dicomweb_path(&dev), "x".repeat(1_100_000));
        let studies = path.split_once("/studies/").unwrap().0;
        let refused = [
            (frame(&dev, &[]), 401),
            (part(&path.replace("1234", "4321")), 403),
            (part("/elsewhere"), 404),
            (part(&path.replace("frames/1", "frames/99")), 404),
            (part(&path.replace("frames/1", "metadata")), 200),
            (part(&path.replace("frames/1", "rendered")), 404),
            (part(&native_path(&dev)), 405),
            (post(&dev, &huge, &with), 413),
            (part(&format!("{studies}/studies?limit=x")), 400),
        ];
        for (at, (reply, status)) in refused.into_iter().enumerate() {
            if status == 200 {
                assert_eq!(reply.header("cache-control"), said, "{cache}");
                continue;
            }
            assert_eq!(reply.status, status, "{at}: {}", reply.text());
            let held = reply.header("cache-control");
            assert!(held.contains("no-store"), "{cache} {at}: {held}");
            assert!(!held.contains("max-age"), "{cache} {at}: {held}");
        }
        let search = part(&format!("{studies}/studies?limit=1"));
        assert_eq!(search.status, 200, "{}", search.text());
        let held = search.header("cache-control");
        assert!(held.contains("no-store"), "{cache}: {held}");
        assert!(!held.contains("max-age"), "{cache}: {held}");
    }
}

#[test]
fn the_distribution_answers_to_its_names() {
    let dev = start_with(
        "domain: {cnames: [frames.example.org, '*.b.example'], hostedZoneId: Z0123456789}",
    );
    for (host, status) in [
        ("frames.example.org", 200),
        ("a.b.example", 200),
        ("evil.example", 403),
    ] {
        assert_eq!(frame(&dev, &[("Host", host)]).status, status, "{host}");
    }
}

#[test]
fn server_timing_says_hit_or_miss_and_which_layer_asked() {
    for (delivery, layer) in [
        ("", "\"EDGE\""),
        ("originShield: us-east-1", "\"Origin Shield\""),
    ] {
        let dev = start(delivery);
        let timing = || part(&dev).header("server-timing").to_owned();
        let miss = timing();
        assert!(
            miss.contains("cdn-cache-miss") && miss.contains(layer),
            "{miss}"
        );
        let hit = timing();
        assert!(hit.contains("cdn-cache-hit"), "{hit}");
    }
}

/// Ends it. The notes that it wrote, but for those on findings.
fn notes(dev: Dev) -> Vec<String> {
    let (_, stderr) = dev.stop();
    stderr
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("Note "))
        .filter(|note| !note.contains("frames validate"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_only_a_deployment_has_is_said_in_a_line_each() {
    let dev = start_as(
        "{mode: none}",
        ", permissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/boundary'",
        "alarms: {topicArn: 'arn:aws:sns:us-east-1:111122223333:imaging'}
domain: {cnames: [a.example.org], hostedZoneId: Z0123456789}
",
    );
    assert_eq!(
        notes(dev),
        [
            "these parts of the web ACL aren't modelled: AWSManagedRulesAmazonIpReputationList, \
             the rest of AWSManagedRulesCommonRuleSet, AWSManagedRulesKnownBadInputsRuleSet",
            "plain HTTP is used instead of HTTPS here: no certificate, no security policy",
            "the permissions boundary isn't known here: it may forbid what the role allows",
            "not made here: access logs, alarms, DNS records",
        ]
    );
    let bare = start_with("delivery: {webAcl: none}\nlogs: {access: {enabled: false}}");
    assert_eq!(notes(bare), Vec::<String>::new());
}

/// The keys in the first column of a page's tables.
fn keys(page: &str) -> BTreeSet<String> {
    read(page)
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .flat_map(|(keys, _)| keys.split("`, `").map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_docs_say_of_every_key_what_becomes_of_it_here() {
    assert_eq!(keys("docs/dev.md"), keys("docs/keys.md"));
}

#[test]
fn an_overlay_is_obeyed_noted_or_refused() {
    let overlay = |cdn: &str| format!("resources: {{cdn: {{Resources: {{{cdn}}}}}}}");
    let header = "ResponseHeadersPolicy: {Properties: {ResponseHeadersPolicyConfig: {CustomHeadersConfig: {Items: \
                  [{Header: X-Site, Value: hospital, Override: true}]}}}}";
    let dev = start_with(&overlay(header));
    assert_eq!(frame(&dev, &[]).header("x-site"), "hospital");
    let errors = "Distribution: {Properties: {DistributionConfig: {CustomErrorResponses: \
                  [{ErrorCode: 404, ErrorCachingMinTTL: 60}]}}}";
    let project = Project::new(&format!(
        "service: x\nauth: {{mode: none}}\ndelivery: {{dicomweb: true}}\n{}\n",
        overlay(errors)
    ));
    let dev = Dev::start(&project, &["--allow-unsafe-overlay"]);
    let missing = || {
        let url = format!(
            "{}{}",
            dev.url(),
            dicomweb_path(&dev).replace("frames/1", "frames/99")
        );
        dev.request("GET", &url, &[], None)
    };
    assert_eq!(
        (missing().status, missing().header("age")),
        (404, "0"),
        "kept"
    );
    let root = "Distribution: {Properties: {DistributionConfig: {DefaultRootObject: index.html}}}";
    let dev = start_with(&overlay(root));
    let expected = "the distribution's `DefaultRootObject` isn't modelled";
    assert!(notes(dev).iter().any(|note| note == expected));
    let project = Project::new(&format!(
        "service: x\nauth: {{mode: none}}\n{}\n",
        overlay(
            "Distribution: {Properties: {DistributionConfig: {CustomErrorResponses: \
                 [{ErrorCode: 404, ResponseCode: 404, ResponsePagePath: /404.html}]}}}"
        )
    ));
    let run = project.frames(&["dev", "--port", "0", "--allow-unsafe-overlay"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("custom error pages"), "{run:#?}");
}

#[test]
fn the_functions_log_what_the_manifest_asks_for() {
    for (level, logs) in [("error", false), ("warn", true)] {
        let project = Project::new(&format!(
            "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
logs: {{functions: {{level: {level}}}}}
"
        ));
        let dev = Dev::start(&project, &["--verbose"]);
        assert_eq!(frame(&dev, &[]).status, 401);
        let (_, stderr) = dev.stop();
        assert_eq!(stderr.contains("no_token"), logs, "{stderr}");
    }
}
