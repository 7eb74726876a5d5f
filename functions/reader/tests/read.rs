//! What the reader asks HealthImaging for, and what it answers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
mod targets;

use frames_reader::answer::{Refusal, begun, passes};
use frames_reader::question::{Event, Question};
use frames_reader::{Credentials, check, request};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};
use targets::{config, parted};

const STORE: &str = "12345678901234567890123456789012";
const SET: &str = "aaaabbbbccccddddeeeeffff00001111";
const FRAME: &str = "0123456789abcdef0123456789abcdef";

fn path(read: &str) -> String {
    format!("/datastore/{STORE}/imageSet/{SET}/{read}")
}

fn event(method: &str, path: &str, query: &str) -> Event {
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query,
        "headers": {"host": "a.lambda-url.eu-west-1.on.aws", "x-amz-cf-id": "cf=="},
        "requestContext": {"http": {"method": method, "path": path}}, "isBase64Encoded": false,
    });
    Event::read(event.to_string().as_bytes()).unwrap()
}

fn asked(method: &str, path: &str, query: &str) -> Result<Question, Refusal> {
    Question::of(&event(method, path, query), config(true).served())
}

/// The request line and the body of what HealthImaging gets.
fn sent(question: &Question) -> (String, String) {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let now = UNIX_EPOCH + Duration::from_secs(1_795_338_487);
    let host = format!("https://{}", config(true).native_host);
    let sent = request::signed(question, &host, &config(true), &credentials, now).unwrap();
    let scope = "AKIDEXAMPLE/20261122/eu-west-1/medical-imaging/aws4_request";
    let authorization = sent.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains(scope), "{authorization}");
    let line = format!("{} {}", sent.method(), sent.uri());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let body = runtime.block_on(sent.into_body().collect()).unwrap();
    (line, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

#[test]
fn a_get_becomes_healthimagings_post() {
    let host = config(true).native_host;
    let frame = asked(
        "GET",
        &path("getImageFrame"),
        &format!("imageFrameId={FRAME}"),
    );
    let (line, body) = sent(&frame.unwrap());
    assert_eq!(
        line,
        format!("POST https://{host}{}", path("getImageFrame"))
    );
    assert_eq!(body, format!("{{\"imageFrameId\":\"{FRAME}\"}}"));
    for query in ["", "version=1", "version=999999999"] {
        let metadata = asked("HEAD", &path("getImageSetMetadata"), query).unwrap();
        let mark = if query.is_empty() { "" } else { "?" };
        let target = format!("{}{mark}{query}", path("getImageSetMetadata"));
        assert_eq!(
            sent(&metadata),
            (format!("POST https://{host}{target}"), String::new())
        );
    }
}

#[test]
fn nothing_else_is_asked_for() {
    let frame = path("getImageFrame");
    let metadata = path("getImageSetMetadata");
    let good = format!("imageFrameId={FRAME}");
    for (method, path, query, refusal) in [
        ("GET", "/", "", Refusal::NotFound),
        ("GET", &path("getImageSet"), "", Refusal::NotFound),
        ("GET", &format!("{frame}/"), &good, Refusal::NotFound),
        ("GET", &format!("{frame}?{good}"), "", Refusal::NotFound),
        (
            "GET",
            &format!("/datastore/{STORE}/studies"),
            "",
            Refusal::NotFound,
        ),
        (
            "GET",
            &frame.replace(SET, "../up"),
            &good,
            Refusal::NotFound,
        ),
        ("POST", &frame, &good, Refusal::Method),
        ("DELETE", &metadata, "", Refusal::Method),
        ("get", &metadata, "", Refusal::Method),
        ("GET", &frame, "", Refusal::Frame),
        ("GET", &frame, &good.replace("0123", "012G"), Refusal::Frame),
        ("GET", &frame, &format!("{good}&{good}"), Refusal::Frame),
        ("GET", &frame, &format!("{good}&a=b"), Refusal::Frame),
        (
            "GET",
            &frame,
            &good.replace("image", "%69mage"),
            Refusal::Frame,
        ),
        ("GET", &metadata, "version=", Refusal::Version),
        ("GET", &metadata, "version=01", Refusal::Version),
        ("GET", &metadata, "version=-1", Refusal::Version),
        ("GET", &metadata, "version=1&version=1", Refusal::Version),
        ("GET", &metadata, "version=1&a=b", Refusal::Version),
        ("GET", &metadata, "%76ersion=1", Refusal::Version),
        ("GET", &metadata, "a=b", Refusal::Version),
    ] {
        assert_eq!(
            asked(method, path, query),
            Err(refusal),
            "{method} {path} {query}"
        );
    }
    let off = Question::of(&event("GET", &metadata, ""), config(false).served());
    assert_eq!(off, Err(Refusal::NotFound));
}

#[test]
fn a_refusal_says_what_is_wrong_and_is_never_kept() {
    for (refusal, status, class) in [
        (Refusal::NotFound, 404, "not_found"),
        (Refusal::Method, 405, "method_not_allowed"),
        (Refusal::Frame, 400, "invalid_request"),
        (Refusal::Version, 400, "invalid_request"),
        (Refusal::NotSigned, 502, "not_signed"),
        (Refusal::Unreachable, 502, "origin_unreachable"),
        (Refusal::Unbounded, 502, "origin_unbounded"),
        (Refusal::TooLarge, 502, "answer_too_large"),
        (Refusal::TimedOut, 504, "origin_timeout"),
    ] {
        let answer = refusal.answer();
        let (prelude, body) = parted(&answer);
        let told: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&prelude["statusCode"], &told["error"]),
            (&json!(status), &json!(class))
        );
        let headers = &prelude["headers"];
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["content-length"], body.len().to_string());
        let allow = (refusal == Refusal::Method).then(|| json!("GET, HEAD"));
        assert_eq!(headers.get("allow"), allow.as_ref());
    }
}

#[test]
fn of_healthimagings_head_goes_on_what_belongs_to_the_body() {
    let head = |fields: &[(&'static str, &'static str)]| {
        let mut head = HeaderMap::new();
        for (name, value) in fields {
            head.insert(*name, HeaderValue::from_static(value));
        }
        head
    };
    let whole = head(&[
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("content-length", "5"),
        ("etag", "\"a\""),
        ("x-amzn-requestid", "b"),
        ("set-cookie", "c"),
        ("x-internal", "d"),
        ("connection", "keep-alive"),
    ]);
    let answer = begun(StatusCode::OK, &whole).unwrap();
    let (prelude, _) = parted(&answer);
    let expected = json!({
        "content-type": "application/json", "content-encoding": "gzip", "content-length": "5",
        "etag": "\"a\"", "x-amzn-requestid": "b",
    });
    assert_eq!(prelude, json!({"statusCode": 200, "headers": expected}));
    let throttled = head(&[
        ("content-length", "2"),
        ("retry-after", "1"),
        ("cache-control", "max-age=9"),
    ]);
    let answer = begun(StatusCode::TOO_MANY_REQUESTS, &throttled).unwrap();
    let headers = json!({"content-length": "2", "retry-after": "1", "cache-control": "no-store"});
    assert_eq!(
        parted(&answer).0,
        json!({"statusCode": 429, "headers": headers})
    );
    // Where the end of the connection would be the end of the body, a cut is no cut.
    let endless = head(&[("content-type", "image/jph")]);
    assert_eq!(begun(StatusCode::OK, &endless), Err(Refusal::Unbounded));
    let chunked = head(&[("transfer-encoding", "chunked")]);
    assert!(begun(StatusCode::OK, &chunked).is_ok());
}

/// 6 MB at once and 2 MB per second after that, 200 MB in all.
#[test]
fn what_lambda_would_cut_short_is_refused() {
    let passes = |length: &str, seconds: Option<u64>| {
        let mut head = HeaderMap::new();
        head.insert("content-length", HeaderValue::from_str(length).unwrap());
        passes(&head, seconds.map(Duration::from_secs))
    };
    for (length, seconds) in [
        ("200000000", None),
        ("200000000", Some(97)),
        ("16000000", Some(5)),
        ("6000000", Some(0)),
        ("0", Some(0)),
    ] {
        assert_eq!(passes(length, seconds), Ok(()), "{length} {seconds:?}");
    }
    for (length, seconds) in [
        ("200000001", None),
        ("200000001", Some(900)),
        ("200000000", Some(96)),
        ("16000001", Some(5)),
        ("6000001", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
    ] {
        let refused = passes(length, seconds);
        assert_eq!(refused, Err(Refusal::TooLarge), "{length} {seconds:?}");
    }
    // Without a length, nobody knows.
    let unknown = frames_reader::answer::passes(&HeaderMap::new(), None);
    assert_eq!(unknown, Ok(()));
}

#[test]
fn only_healthimagings_own_host_is_asked() {
    assert_eq!(check(&config(true)), Ok(()));
    for host in [
        "",
        "evil.example",
        "dicom-medical-imaging.eu-west-1.amazonaws.com",
        "runtime-medical-imaging.us-east-1.amazonaws.com",
        "runtime-medical-imaging.eu-west-1.amazonaws.com.evil.example",
    ] {
        let mut config = config(true);
        config.native_host = host.to_owned();
        assert!(
            check(&config).unwrap_err().contains("`nativeHost`"),
            "{host}"
        );
    }
    let mut config = config(true);
    config.region = "eu/west".to_owned();
    assert!(check(&config).unwrap_err().contains("`region`"));
}

#[test]
fn a_request_is_known_by_cloudfronts_id_only_where_that_is_one() {
    let with = |id: &str| {
        let event = json!({"rawPath": "/", "headers": {"x-amz-cf-id": id},
                           "requestContext": {"http": {"method": "GET"}}});
        let event = Event::read(event.to_string().as_bytes()).unwrap();
        event.request_id().map(str::to_owned)
    };
    assert_eq!(with("cf==").as_deref(), Some("cf=="));
    for id in ["a b", "a\nb", "\u{fc}", &"a".repeat(129)] {
        assert_eq!(with(id), None, "{id}");
    }
    let broken = Event::read(br#"{"rawPath": "s3cret", "requestContext": "s3cret"}"#);
    assert_eq!(broken.unwrap_err(), "not an event of a function URL");
}
