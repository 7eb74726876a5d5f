//! What a page in a real browser can do: a headless Chromium fetches frames from
//! `frames dev`, from another origin than the edge's, and so with all that CORS asks.

use crate::support::browser::{Browser, Fetched, Site, chromiums};
use crate::support::dev::{CT, Dev, dicomweb_path, native_path};
use crate::support::frames::Project;
use crate::support::process::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const STORED: &str = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*";

/// Pages of these origins may read.
fn edge(origins: &str, more: &str) -> Dev {
    edge_with(&format!("cors: {{origins: [{origins}]{more}}}"))
}

fn edge_with(delivery: &str) -> Dev {
    Dev::start(
        &Project::new(&format!(
            "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a, tokenSources: [authorization, header, query]}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
delivery: {{dicomweb: true, {delivery}}}
"
        )),
        &[],
    )
}

fn native(dev: &Dev) -> String {
    format!("{}{}", dev.url(), native_path(dev))
}

fn dicomweb(dev: &Dev) -> String {
    format!("{}{}", dev.url(), dicomweb_path(dev))
}

fn with_token(token: &str) -> Value {
    json!({"Authorization": format!("Bearer {token}"), "Content-Type": "application/json"})
}

fn post(dev: &Dev, headers: Value) -> Value {
    let body = json!({"imageFrameId": dev.ready["frame"]["imageFrameId"]}).to_string();
    json!({"method": "POST", "headers": headers, "body": body})
}

/// Method and status of the requests that the edge saw.
fn seen(dev: &Dev, count: usize) -> Vec<(String, u64)> {
    (0..count)
        .map(|_| dev.next_line())
        .map(|line| {
            let method = line["method"].as_str().unwrap().to_owned();
            (method, line["status"].as_u64().unwrap())
        })
        .collect()
}

fn refused(fetched: &Fetched) {
    assert_eq!(fetched.error(), Some("TypeError"), "{fetched:?}");
}

#[test]
fn a_page_of_an_allowed_origin_fetches_frames() {
    let site = Site::start();
    let dev = edge(&site.origin(), "");
    let mut browser = Browser::start();
    let request = post(&dev, with_token(dev.token()));
    let frame = browser.fetch(&site.page(), &native(&dev), request);
    assert_eq!(frame.status(), 200, "{frame:?}");
    assert!(frame.body() == CT, "not the fixture's bytes");
    assert_eq!(frame.header("content-type"), Some("image/jph"));
    let length = CT.len().to_string();
    assert_eq!(frame.header("content-length"), Some(length.as_str()));
    assert_eq!(
        seen(&dev, 2),
        [("OPTIONS".to_owned(), 204), ("POST".to_owned(), 200)],
        "the browser asked first"
    );
    let headers = json!({"Authorization": format!("Bearer {}", dev.token()), "Accept": STORED});
    for (cache, timing, has_age) in [
        ("Miss from cloudfront", "cdn-cache-miss", false),
        ("Hit from cloudfront", "cdn-cache-hit", true),
    ] {
        let part = browser.fetch(&site.page(), &dicomweb(&dev), json!({"headers": headers}));
        assert_eq!(part.status(), 200, "{part:?}");
        let body = part.body();
        assert!(body.windows(CT.len()).any(|window| window == CT));
        assert_eq!(part.header("x-cache"), Some(cache));
        assert!(part.header("server-timing").unwrap().contains(timing));
        assert_eq!(part.header("age").is_some(), has_age);
        // Not exposed, though it is sent.
        assert_eq!(part.header("x-amz-cf-id"), None);
    }
}

/// What a progressive loader does: it asks for the first bytes, learns from
/// `Content-Range` how many there are, and asks for the rest.
#[test]
fn a_page_loads_a_frame_in_parts() {
    let site = Site::start();
    // A page on this machine, under its address instead of its name.
    let page = site.page().replace("localhost", "127.0.0.1");
    let dev = edge(page.trim_end_matches('/'), "");
    let mut browser = Browser::start();
    let url = dicomweb(&dev);
    let mut fetch = |more: Value| {
        let mut headers =
            json!({"Authorization": format!("Bearer {}", dev.token()), "Accept": STORED});
        for (name, value) in more.as_object().unwrap() {
            headers[name] = value.clone();
        }
        browser.fetch(&page, &url, json!({"headers": headers}))
    };
    let whole = fetch(json!({}));
    assert_eq!(whole.status(), 200, "{whole:?}");
    let length = whole.body().len();
    let first = fetch(json!({"Range": "bytes=0-63"}));
    assert_eq!(first.status(), 206, "{first:?}");
    let said = format!("bytes 0-63/{length}");
    assert_eq!(first.header("content-range"), Some(said.as_str()));
    // Not safelisted: the preflight has to allow both.
    let rest = fetch(json!({"Range": "bytes=64-", "If-None-Match": "\"none\""}));
    assert_eq!(rest.status(), 206, "{rest:?}");
    assert!([first.body(), rest.body()].concat() == whole.body());
    let behind = fetch(json!({"Range": format!("bytes={length}-")}));
    assert_eq!(behind.status(), 416, "{behind:?}");
    let said = format!("bytes */{length}");
    assert_eq!(behind.header("content-range"), Some(said.as_str()));
}

#[test]
fn a_page_reads_why_it_is_refused() {
    let site = Site::start();
    let dev = edge(&site.origin(), "");
    let mut browser = Browser::start();
    let late = dev.mint(json!({"exp": 1}));
    for (token, reason, challenge) in [
        (
            Some("a.b.c"),
            "invalid_token",
            "Bearer error=\"invalid_token\"",
        ),
        (
            Some(late.as_str()),
            "invalid_token",
            "Bearer error=\"invalid_token\"",
        ),
        (None, "missing_token", "Bearer"),
    ] {
        let headers = token.map_or(json!({}), with_token);
        for (url, request) in [
            (native(&dev), post(&dev, headers.clone())),
            (dicomweb(&dev), json!({"headers": headers})),
        ] {
            let answer = browser.fetch(&site.page(), &url, request);
            assert_eq!(answer.status(), 401, "{answer:?}");
            assert_eq!(answer.json(), json!({"error": reason}));
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("www-authenticate"), Some(challenge));
        }
    }
    // Not what CloudFront refuses itself: this body is too large for the web ACL.
    let large =
        json!({"method": "POST", "headers": with_token(dev.token()), "body": "x".repeat(8_193)});
    refused(&browser.fetch(&site.page(), &native(&dev), large));
    // The origin's errors are readable as well.
    let wrong = dicomweb(&dev).replace("frames/1", "frames/99");
    let request = json!({"headers": with_token(dev.token())});
    let answer = browser.fetch(&site.page(), &wrong, request);
    assert_eq!(answer.status(), 404, "{answer:?}");
    assert!(answer.json().is_object());
}

#[test]
fn a_page_of_another_origin_reads_nothing() {
    let (site, stranger) = (Site::start(), Site::start());
    let dev = edge(&site.origin(), "");
    let mut browser = Browser::start();
    let request = post(&dev, with_token(dev.token()));
    refused(&browser.fetch(&stranger.page(), &native(&dev), request.clone()));
    assert_eq!(
        seen(&dev, 1),
        [("OPTIONS".to_owned(), 204)],
        "the browser asks and then sends nothing"
    );
    // Nothing to ask before: it is sent, and the answer withheld.
    let by_query = format!("{}&token={}", dicomweb(&dev), dev.token());
    refused(&browser.fetch(&stranger.page(), &by_query, json!({})));
    assert_eq!(seen(&dev, 1), [("GET".to_owned(), 200)]);
    let good = browser.fetch(&site.page(), &by_query, json!({}));
    assert_eq!((good.status(), good.error()), (200, None));
    // The same from the cache: no entry serves an origin's headers to another.
    refused(&browser.fetch(&stranger.page(), &by_query, json!({})));
}

#[test]
fn any_origin_or_none() {
    let site = Site::start();
    let mut browser = Browser::start();
    for (origins, reads) in [("'*'", true), ("", false)] {
        let dev = edge(origins, "");
        let request = post(&dev, with_token(dev.token()));
        let answer = browser.fetch(&site.page(), &native(&dev), request);
        if reads {
            assert!(answer.body() == CT)
        } else {
            refused(&answer)
        }
    }
}

/// How many requests but preflights the edge has seen since it was last asked.
fn asked(dev: &Dev) -> usize {
    let end = format!("{}/end", dev.url());
    dev.request("GET", &end, &[], None);
    let lines = std::iter::from_fn(|| Some(dev.next_line()));
    let lines = lines.take_while(|line| line["path"] != "/end");
    lines.filter(|line| line["method"] != "OPTIONS").count()
}

/// By the browser's own rules: `cache: default` is how a page fetches that says nothing.
#[test]
fn a_browser_keeps_what_the_manifest_says_and_no_error() {
    let site = Site::start();
    let mut browser = Browser::start();
    for (cache, kept) in [
        ("", false),
        ("cache: {browser: 0s}, ", false),
        ("cache: {browser: 1h}, ", true),
    ] {
        let dev = edge_with(&format!("{cache}cors: {{origins: ['{}']}}", site.origin()));
        let mut fetch = |url: &str, token: &str, accept: &str| {
            let headers = json!({"Authorization": format!("Bearer {token}"), "Accept": accept});
            let request = json!({"headers": headers, "cache": "default"});
            let answer = browser.fetch(&site.page(), url, request);
            (answer.status(), answer)
        };
        let url = dicomweb(&dev);
        for again in [false, true] {
            let (status, answer) = fetch(&url, dev.token(), STORED);
            assert_eq!(status, 200, "{answer:?}");
            assert!(answer.body().windows(CT.len()).any(|window| window == CT));
            let asks = usize::from(!(again && kept));
            assert_eq!(asked(&dev), asks, "{cache}: again {again}");
        }
        // Another token is another viewer, another `Accept` another object.
        let other = dev.mint(json!({"jti": "other"}));
        assert_eq!(fetch(&url, &other, STORED).0, 200);
        assert_eq!(asked(&dev), 1, "{cache}: another token");
        assert_eq!(fetch(&url, &other, "image/jph").0, 200);
        assert_eq!(asked(&dev), 1, "{cache}: another Accept");
        // HealthImaging's refusal, the authorizer's, and one for the lack of a token.
        let missing = url.replace("frames/1", "frames/99");
        let late = dev.mint(json!({"exp": 1}));
        for (url, token, expected) in [
            (missing.as_str(), dev.token(), 404),
            (url.as_str(), late.as_str(), 401),
        ] {
            for _ in 0..2 {
                assert_eq!(fetch(url, token, STORED).0, expected);
                assert_eq!(asked(&dev), 1, "{cache}: {expected}");
            }
        }
        // Results change with every import.
        let studies = format!("{}/studies", url.split_once("/studies").unwrap().0);
        for _ in 0..2 {
            fetch(&studies, dev.token(), "application/dicom+json");
            assert_eq!(asked(&dev), 1, "{cache}: a search");
        }
    }
}

#[test]
fn cookies_go_along_where_the_manifest_says_so() {
    let site = Site::start();
    let mut browser = Browser::start();
    for (more, reads) in [("", false), (", credentials: true", true)] {
        let dev = edge(&site.origin(), more);
        for (url, mut request) in [
            (native(&dev), post(&dev, with_token(dev.token()))),
            (native(&dev), post(&dev, json!({}))),
            (dicomweb(&dev), json!({"headers": with_token(dev.token())})),
        ] {
            request["credentials"] = "include".into();
            let answer = browser.fetch(&site.page(), &url, request);
            if reads {
                assert_eq!(answer.error(), None)
            } else {
                refused(&answer)
            }
        }
    }
}

#[test]
fn the_response_headers_policy_holds_in_a_browser() {
    let site = Site::start();
    let dev = edge(&site.origin(), "");
    let mut browser = Browser::start();
    let by_query = format!("{}/metadata?token={}", instance(&dev), dev.token());
    let visit = browser.visit(&by_query, None);
    assert_eq!(visit["status"], 200);
    for (name, value) in [
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(visit["headers"][name], value, "{name}");
    }
    assert!(!browser.frames(&site.page(), &by_query));
    let own = format!("{}/own", site.origin());
    assert!(
        browser.frames(&site.page(), &own),
        "frames are shown at all"
    );
}

/// The fixture's instance.
fn instance(dev: &Dev) -> String {
    let frame = dicomweb(dev);
    frame.split_once("/frames/").unwrap().0.to_owned()
}

#[test]
fn the_page_of_frames_dev_shows_what_it_fetched() {
    let dev = Dev::start(&Project::example(), &[]);
    let mut browser = Browser::start();
    let page = dev.ready["page"].as_str().unwrap();
    let visit = browser.visit(page, Some("body[data-done] #rows"));
    let text = visit["text"].as_str().unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split('\t').collect()).collect();
    let column = |at: usize| -> Vec<&str> { rows.iter().map(|row| row[at]).collect() };
    assert_eq!(column(2), ["200", "401", "200", "200", "401"], "{text}");
    assert_eq!(rows[0][4], CT.len().to_string(), "{text}");
    assert_eq!(rows[3][5], "Hit from cloudfront", "{text}");
}

/// The other tests' browsers end with `Browser`; this one's driver is killed.
#[test]
fn no_browser_outlives_its_driver() {
    let site = Site::start();
    let mut browser = Browser::start();
    let shown = browser.visit(&site.page(), None);
    assert_eq!(shown["status"], 200);
    let (driver, chromium) = browser.processes();
    assert!(!chromium.is_empty());
    let home = browser.home().to_owned();
    let driver = Pid::from_raw(i32::try_from(driver).unwrap()).unwrap();
    kill_process(driver, Signal::KILL).unwrap();
    eventually("the end of Chromium", || {
        chromiums(&home).is_empty().then_some(())
    });
}
