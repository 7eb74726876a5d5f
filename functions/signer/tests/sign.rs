//! What leaves the signer, against a signature that is worked out here by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use base64::Engine as _;
use frames_edge::{LogLevel, Request, Response, SignerConfig};
use frames_signer::{Credentials, Outcome, answered, check, sign};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const STORE: &str = "12345678901234567890123456789012";
const SET: &str = "aaaabbbbccccddddeeeeffff00001111";
const NATIVE: &str = "runtime-medical-imaging.eu-west-1.amazonaws.com";
const DICOMWEB: &str = "dicom-medical-imaging.eu-west-1.amazonaws.com";
const REQUEST_ID: &str = "MRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE==";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "session/token+with=signs";
/// 2026-11-22T09:08:07Z
const NOW: u64 = 1_795_338_487;
const FRAME: &str = r#"{"imageFrameId":"0ab1"}"#;
const FRAME_BASE64: &str = "eyJpbWFnZUZyYW1lSWQiOiIwYWIxIn0=";

fn config() -> SignerConfig {
    SignerConfig {
        region: "eu-west-1".to_owned(),
        native_host: NATIVE.to_owned(),
        dicomweb_host: Some(DICOMWEB.to_owned()),
        metadata: false,
        cached_reads: false,
        log_level: LogLevel::Warn,
    }
}

fn credentials() -> Credentials {
    Credentials::new(
        "AKIDEXAMPLE",
        SECRET,
        Some(SESSION.to_owned()),
        None,
        "test",
    )
}

fn native_path() -> String {
    format!("/datastore/{STORE}/imageSet/{SET}/getImageFrame")
}

/// A request as CloudFront hands it over, with the changes of one test.
fn request(changes: Value) -> Request {
    let mut request = json!({
        "clientIp": "203.0.113.178",
        "method": "POST",
        "uri": native_path(),
        "querystring": "",
        "headers": {
            "host": [{"key": "Host", "value": NATIVE}],
            "content-type": [{"key": "Content-Type", "value": "application/json"}],
            "via": [{"key": "Via", "value": "2.0 cloudfront"}],
        },
        "body": {"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": FRAME_BASE64},
        "origin": {"custom": {"domainName": NATIVE, "port": 443, "protocol": "https"}},
    });
    for (key, value) in changes.as_object().unwrap() {
        request[key] = value.clone();
    }
    serde_json::from_value(request).unwrap()
}

fn dicomweb(path: &str, query: &str) -> Request {
    request(json!({
        "method": "GET",
        "uri": format!("/datastore/{STORE}/{path}"),
        "querystring": query,
        "headers": {"host": [{"key": "Host", "value": DICOMWEB}], "accept": [{"key": "Accept", "value": "*/*"}]},
        "body": null,
        "origin": {"custom": {"domainName": DICOMWEB, "port": 443, "protocol": "https"}},
    }))
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn send(request: Request) -> Request {
    send_by(&config(), request)
}

fn send_by(config: &SignerConfig, request: Request) -> Request {
    match sign(request, REQUEST_ID, config, &credentials(), now()) {
        Outcome::Send(request) => *request,
        Outcome::Refuse(response, _) => panic!("refused: {response:?}"),
    }
}

fn refuse(request: Request) -> (Response, Value) {
    refuse_by(&config(), request)
}

fn refuse_by(config: &SignerConfig, request: Request) -> (Response, Value) {
    match sign(request, REQUEST_ID, config, &credentials(), now()) {
        Outcome::Send(request) => panic!("signed: {request:?}"),
        Outcome::Refuse(response, class) => {
            assert_eq!(
                response.headers["cache-control"][0].value, "no-store",
                "CloudFront would keep it"
            );
            let body: Value = serde_json::from_str(response.body.as_deref().unwrap()).unwrap();
            assert_eq!(body["error"], class, "the log says what the viewer learns");
            (response, body)
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// SigV4's last steps over a canonical request that the test writes down.
fn authorization(canonical: &str, signed_headers: &str) -> String {
    authorization_for("medical-imaging", canonical, signed_headers)
}

fn authorization_for(service: &str, canonical: &str, signed_headers: &str) -> String {
    let scope = format!("20261122/eu-west-1/{service}/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n20261122T090807Z\n{scope}\n{}",
        sha256(canonical)
    );
    let key = ["20261122", "eu-west-1", service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
            hmac(&key, part)
        });
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed_headers}, Signature={}",
        hex(&hmac(&key, &text))
    )
}

/// The canonical request of a DICOMweb GET: no body, no content type.
fn dicomweb_authorization(path: &str, query: &str) -> String {
    let empty = sha256("");
    let signed = "host;x-amz-cf-id;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let canonical = format!(
        "GET\n/datastore/{STORE}/{path}\n{query}\nhost:{DICOMWEB}\nx-amz-cf-id:{REQUEST_ID}\n\
         x-amz-content-sha256:{empty}\nx-amz-date:20261122T090807Z\nx-amz-security-token:{SESSION}\n\n{signed}\n{empty}"
    );
    authorization(&canonical, signed)
}

#[test]
fn native_post_is_signed_over_all_that_leaves() {
    let sent = send(request(json!({})));
    let hash = sha256(FRAME);
    let signed =
        "content-type;host;x-amz-cf-id;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let canonical = format!(
        "POST\n{}\n\ncontent-type:application/json\nhost:{NATIVE}\nx-amz-cf-id:{REQUEST_ID}\n\
         x-amz-content-sha256:{hash}\nx-amz-date:20261122T090807Z\nx-amz-security-token:{SESSION}\n\n{signed}\n{hash}",
        native_path()
    );
    assert_eq!(
        sent.header("authorization"),
        Some(authorization(&canonical, signed).as_str())
    );
    assert_eq!(sent.header("x-amz-date"), Some("20261122T090807Z"));
    assert_eq!(sent.header("x-amz-content-sha256"), Some(hash.as_str()));
    assert_eq!(sent.header("x-amz-security-token"), Some(SESSION));
}

#[test]
fn cloudfronts_request_id_is_signed_and_not_returned() {
    let sent = send(request(json!({})));
    assert!(
        sent.header("authorization")
            .unwrap()
            .contains(";x-amz-cf-id;")
    );
    assert!(!sent.headers.contains_key("x-amz-cf-id"));
    let other = sign(
        request(json!({})),
        "another",
        &config(),
        &credentials(),
        now(),
    );
    let Outcome::Send(other) = other else {
        panic!("refused");
    };
    assert_ne!(sent.header("authorization"), other.header("authorization"));
}

#[test]
fn without_a_session_there_is_no_session_header() {
    let keys = Credentials::new("AKIDEXAMPLE", SECRET, None, None, "test");
    let Outcome::Send(sent) = sign(request(json!({})), REQUEST_ID, &config(), &keys, now()) else {
        panic!("refused");
    };
    assert!(!sent.headers.contains_key("x-amz-security-token"));
    assert!(
        !sent
            .header("authorization")
            .unwrap()
            .contains("security-token")
    );
}

#[test]
fn the_viewers_credentials_and_amz_headers_are_gone() {
    let sent = send(request(json!({"headers": {
        "host": [{"key": "Host", "value": "frames.example.org"}],
        "authorization": [{"key": "Authorization", "value": "Bearer a"}, {"key": "authorization", "value": "Bearer b"}],
        "x-amz-security-token": [{"key": "X-Amz-Security-Token", "value": "viewer"}],
        "x-amz-target": [{"key": "X-Amz-Target", "value": "DeleteDatastore"}],
        "x-amz-date": [{"key": "X-Amz-Date", "value": "20000101T000000Z"}],
        "x-amz-cf-id": [{"key": "X-Amz-Cf-Id", "value": "viewer"}],
        "accept": [{"key": "Accept", "value": "image/jph"}],
        "via": [{"key": "Via", "value": "2.0 cloudfront"}],
    }})));
    let names: Vec<&str> = sent.headers.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "host",
            "via",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-security-token"
        ]
    );
    assert_eq!(sent.headers["authorization"].len(), 1);
    assert!(
        sent.header("authorization")
            .unwrap()
            .starts_with("AWS4-HMAC-SHA256 ")
    );
    assert_eq!(sent.header("x-amz-security-token"), Some(SESSION));
    assert_eq!(sent.header("x-amz-date"), Some("20261122T090807Z"));
    assert_eq!(sent.header("host"), Some(NATIVE), "the host that is signed");
    let authorization = sent.header("authorization").unwrap();
    assert!(!authorization.contains("via") && !authorization.contains("target"));
}

#[test]
fn the_rest_of_the_request_stays_as_it_came() {
    let mut event = serde_json::to_value(request(json!({}))).unwrap();
    event["somethingNew"] = json!({"kept": true});
    let mut sent =
        serde_json::to_value(send(serde_json::from_value(event.clone()).unwrap())).unwrap();
    let headers = sent["headers"].as_object_mut().unwrap();
    headers.retain(|name, _| name != "authorization" && !name.starts_with("x-amz-"));
    assert_eq!(sent, event);
}

#[test]
fn the_samples_spelling_is_signed_as_the_services() {
    let sample = request(json!({"uri": native_path().replace("imageSet", "imageset")}));
    let sent = send(sample);
    assert_eq!(sent.uri, native_path());
    assert_eq!(
        sent.header("authorization"),
        send(request(json!({}))).header("authorization")
    );
}

#[test]
fn a_text_body_is_hashed_as_it_is() {
    let body = json!({"inputTruncated": false, "action": "read-only", "encoding": "text", "data": "{\"imageFrameId\":\"é\"}"});
    let sent = send(request(json!({"body": body})));
    assert_eq!(
        sent.header("x-amz-content-sha256"),
        Some(sha256("{\"imageFrameId\":\"é\"}").as_str())
    );
}

#[test]
fn a_body_of_any_bytes_is_hashed_and_sent_as_it_came() {
    let bytes: Vec<u8> = (0..=255).chain([0, 0, 0xff]).collect();
    let data = base64::engine::general_purpose::STANDARD.encode(&bytes);
    let body =
        json!({"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": data});
    let sent = send(request(json!({"body": body})));
    assert_eq!(
        sent.header("x-amz-content-sha256"),
        Some(hex(&Sha256::digest(&bytes)).as_str())
    );
    let left = sent.body.unwrap();
    assert_eq!((left.action.as_str(), left.data), ("read-only", data));
}

#[test]
fn conditional_and_range_headers_are_left_alone_and_not_signed() {
    let names = ["if-none-match", "if-modified-since", "if-range", "range"];
    let mut asked = dicomweb("studies/1.2/series/1.3/instances/1.4", "");
    for name in names {
        asked.set_header(name, "x");
    }
    let sent = send(asked);
    let authorization = sent.header("authorization").unwrap();
    for name in names {
        assert_eq!(sent.header(name), Some("x"));
        assert!(!authorization.contains(name), "{authorization}");
    }
}

#[test]
fn a_path_is_signed_and_sent_in_its_one_spelling() {
    let path = "studies/1.2.3/series/1.2.4/instances/1.2.5/frames/1,2";
    let plain = send(dicomweb(path, ""));
    let encoded = send(dicomweb(&path.replace(',', "%2c"), ""));
    assert_eq!(encoded.uri, plain.uri);
    assert_eq!(
        encoded.header("authorization"),
        plain.header("authorization")
    );
}

#[test]
fn a_dicomweb_path_is_encoded_once_more_and_its_query_canonical() {
    let path = "studies/1.2.3/series/1.2.4/instances/1.2.5/frames/1,2";
    let sent = send(dicomweb(path, &format!("imageSetId={SET}")));
    let expected = dicomweb_authorization(&path.replace(',', "%2C"), &format!("imageSetId={SET}"));
    assert_eq!(sent.header("authorization"), Some(expected.as_str()));
    assert!(
        sent.uri.ends_with("/frames/1,2"),
        "the path itself is left alone"
    );
}

#[test]
fn a_query_is_signed_in_order_and_sent_in_the_encoding_that_is_signed() {
    for (query, canonical) in [
        (
            "limit=10&PatientName=J%c3%bcrgen",
            "PatientName=J%C3%BCrgen&limit=10",
        ),
        (
            "includefield=00080018,0020000D",
            "includefield=00080018%2C0020000D",
        ),
        ("fuzzymatching&offset=", "fuzzymatching=&offset="),
        ("a=2&a=1&B=~x", "B=~x&a=1&a=2"),
        (
            "PatientName=Doe%20John&x=a%2Fb",
            "PatientName=Doe%20John&x=a%2Fb",
        ),
        ("x=1%3D1&y=a%26b", "x=1%3D1&y=a%26b"),
        (
            "PatientName=Doe+John&y=1%2B1",
            "PatientName=Doe%20John&y=1%2B1",
        ),
        ("&b=1&&a=x=y&", "a=x%3Dy&b=1"),
    ] {
        let sent = send(dicomweb("studies", query));
        let expected = dicomweb_authorization("studies", canonical);
        assert_eq!(
            sent.header("authorization"),
            Some(expected.as_str()),
            "{query}"
        );
        let mut pairs: Vec<&str> = sent.querystring.split('&').collect();
        pairs.sort();
        assert_eq!(pairs.join("&"), canonical, "{query}");
    }
}

#[test]
fn only_known_paths_are_signed() {
    for uri in [
        "/",
        "/datastore",
        &native_path().replace("getImageFrame", "getImageSetMetadata"),
        &native_path().replace("getImageFrame", "deleteImageSet"),
        &format!("{}/", native_path()),
        &format!("/x/..{}", native_path()),
        &format!("/datastore/{STORE}/studies/1.2.3/series/1.2.4/instances/1.2.5/bulkdata"),
    ] {
        let (response, body) = refuse(request(json!({"uri": uri})));
        assert_eq!(response.status, "404", "{uri}");
        assert_eq!(body["error"], "not_found");
        assert!(body["paths"].as_array().unwrap().len() > 1);
    }
}

#[test]
fn dicomweb_is_unknown_where_it_is_off() {
    let off = SignerConfig {
        dicomweb_host: None,
        ..config()
    };
    let outcome = sign(
        dicomweb("studies", ""),
        REQUEST_ID,
        &off,
        &credentials(),
        now(),
    );
    let Outcome::Refuse(response, _) = outcome else {
        panic!("signed");
    };
    assert_eq!(response.status, "404");
    assert!(!response.body.unwrap().contains("studies"));
}

fn metadata(query: &str, body: Value) -> Request {
    request(json!({
        "uri": format!("/datastore/{STORE}/imageset/{SET}/getImageSetMetadata"),
        "querystring": query,
        "headers": {"host": [{"key": "Host", "value": NATIVE}]},
        "body": body,
    }))
}

#[test]
fn metadata_is_signed_with_its_version_only() {
    let on = SignerConfig {
        metadata: true,
        ..config()
    };
    let path = format!("/datastore/{STORE}/imageSet/{SET}/getImageSetMetadata");
    let empty =
        json!({"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": ""});
    for (query, canonical) in [
        ("", ""),
        ("version=12", "version=12"),
        ("%76ersion=%31&x=1", "version=1"),
    ] {
        for body in [json!(null), empty.clone()] {
            let sent = send_by(&on, metadata(query, body));
            assert_eq!((&*sent.uri, &*sent.querystring), (&*path, canonical));
            let hash = sha256("");
            let expected = authorization(
                &format!(
                    "POST\n{path}\n{canonical}\nhost:{NATIVE}\nx-amz-cf-id:{REQUEST_ID}\n\
                     x-amz-content-sha256:{hash}\nx-amz-date:20261122T090807Z\n\
                     x-amz-security-token:{SESSION}\n\n\
                     host;x-amz-cf-id;x-amz-content-sha256;x-amz-date;x-amz-security-token\n{hash}"
                ),
                "host;x-amz-cf-id;x-amz-content-sha256;x-amz-date;x-amz-security-token",
            );
            assert_eq!(sent.header("authorization"), Some(&*expected), "{query}");
        }
    }
    for query in [
        "version=01",
        "version=0",
        "version=1&version=1",
        "version=-1",
    ] {
        let (response, body) = refuse_by(&on, metadata(query, json!(null)));
        assert_eq!(response.status, "400", "{query}");
        assert_eq!(body["error"], "invalid_request");
    }
    let full =
        json!({"inputTruncated": false, "action": "read-only", "encoding": "text", "data": "{}"});
    let (response, body) = refuse_by(&on, metadata("", full));
    assert_eq!(response.status, "400");
    assert_eq!(body["error"], "unexpected_body");
}

const READER: &str = "abcdefghij0123456789abcdefghij01.lambda-url.eu-west-1.on.aws";
const FRAME_QUERY: &str = "imageFrameId=a1b2c3d4e5f60718293a4b5c6d7e8f90";

/// Native reads by GET are on.
fn reads() -> SignerConfig {
    SignerConfig {
        cached_reads: true,
        metadata: true,
        ..config()
    }
}

/// An origin as the distribution names it.
fn reads_origin(header: Value) -> Value {
    json!({"custom": {
        "domainName": NATIVE, "port": 443, "protocol": "https", "path": "",
        "customHeaders": {"frames-reader": header, "x-own": [{"key": "X-Own", "value": "1"}]},
    }})
}

fn read(changes: Value) -> Request {
    let mut all = json!({
        "method": "GET",
        "querystring": FRAME_QUERY,
        "headers": {
            "host": [{"key": "Host", "value": NATIVE}],
            "accept": [{"key": "Accept", "value": "*/*"}],
            "content-type": [{"key": "Content-Type", "value": "text/plain"}],
            "frames-reader": [{"key": "Frames-Reader", "value": "viewers.lambda-url.eu-west-1.on.aws"}],
        },
        "body": {"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": ""},
        "origin": reads_origin(json!([{"key": "Frames-Reader", "value": READER}])),
    });
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    request(all)
}

#[test]
fn a_read_by_get_goes_to_the_reader_signed_for_lambda() {
    let metadata = native_path().replace("getImageFrame", "getImageSetMetadata");
    for (method, uri, query) in [
        ("GET", native_path(), FRAME_QUERY),
        ("HEAD", native_path(), FRAME_QUERY),
        ("GET", metadata.clone(), ""),
        ("GET", metadata, "version=2"),
    ] {
        let asked = read(json!({"method": method, "uri": uri, "querystring": query}));
        let sent = send_by(&reads(), asked);
        let signed = "host;x-amz-cf-id;x-amz-content-sha256;x-amz-date;x-amz-security-token";
        let canonical = format!(
            "{method}\n{uri}\n{query}\nhost:{READER}\nx-amz-cf-id:{REQUEST_ID}\nx-amz-content-sha256:{}\nx-amz-date:20261122T090807Z\nx-amz-security-token:{SESSION}\n\n{signed}\n{}",
            sha256(""),
            sha256("")
        );
        let authorization = authorization_for("lambda", &canonical, signed);
        assert_eq!(sent.header("authorization"), Some(&*authorization));
        assert_eq!((&*sent.uri, &*sent.querystring), (&*uri, query));
        let mut origin = reads_origin(json!([]));
        let custom = origin["custom"].as_object_mut().unwrap();
        custom.insert("domainName".to_owned(), READER.into());
        let added = custom["customHeaders"].as_object_mut().unwrap();
        added.remove("frames-reader");
        assert_eq!(sent.origin, Some(origin), "the header goes no further");
        let names: Vec<&str> = sent.headers.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "authorization",
                "host",
                "x-amz-content-sha256",
                "x-amz-date",
                "x-amz-security-token"
            ],
            "what an answer isn't kept by isn't told"
        );
        assert_eq!(sent.header("host"), Some(READER));
    }
}

#[test]
fn nothing_else_is_signed_for_lambda() {
    let refused = |config: &SignerConfig, changes: Value| {
        let (response, body) = refuse_by(config, read(changes));
        format!("{} {}", response.status, body["error"].as_str().unwrap())
    };
    assert_eq!(refused(&config(), json!({})), "405 method_not_allowed");
    let long = format!("{}.lambda-url.eu-west-1.on.aws", "a".repeat(65));
    for host in [
        "",
        NATIVE,
        "evil.example.org",
        "abcdefghij.lambda-url.us-east-1.on.aws",
        "abcdefghi.lambda-url.eu-west-1.on.aws",
        "abcdefghij.lambda-url.eu-west-1.on.aws.evil.org",
        "a.abcdefghij.lambda-url.eu-west-1.on.aws",
        "ABCDEFGHIJ.lambda-url.eu-west-1.on.aws",
        "abcdefghij-.lambda-url.eu-west-1.on.aws",
        "abcdefghij/.lambda-url.eu-west-1.on.aws",
        "https://abcdefghij.lambda-url.eu-west-1.on.aws",
        &long,
    ] {
        let origin = reads_origin(json!([{"key": "Frames-Reader", "value": host}]));
        let found = refused(&reads(), json!({"origin": origin}));
        assert_eq!(found, "502 wrong_origin", "{host}");
    }
    let two = json!([{"value": READER}, {"value": READER}]);
    for header in [json!([]), json!(null), two] {
        let found = refused(&reads(), json!({"origin": reads_origin(header)}));
        assert_eq!(found, "502 wrong_origin");
    }
    // The header alone sends nothing there.
    let mut elsewhere = reads_origin(json!([{"value": READER}]));
    elsewhere["custom"]["domainName"] = READER.into();
    let found = refused(&reads(), json!({"origin": elsewhere}));
    assert_eq!(found, "502 wrong_origin");
    for query in ["", "imageFrameId=x", "version=1"] {
        let found = refused(&reads(), json!({"querystring": query}));
        assert_eq!(found, "400 invalid_request", "{query}");
    }
    let body = json!({"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": FRAME_BASE64});
    let found = refused(&reads(), json!({"body": body}));
    assert_eq!(found, "400 unexpected_body");
}

#[test]
fn a_post_beside_reads_goes_to_healthimaging_as_before() {
    let plain = send(request(json!({})));
    let origin = reads_origin(json!([{"key": "Frames-Reader", "value": READER}]));
    let asked = request(json!({"origin": origin, "querystring": FRAME_QUERY}));
    let sent = send_by(&reads(), asked);
    assert_eq!(sent.headers, plain.headers);
    assert_eq!((&sent.uri, &*sent.querystring), (&plain.uri, ""));
    let custom = &sent.origin.unwrap()["custom"];
    assert_eq!(custom["domainName"], NATIVE);
    assert_eq!(
        custom["customHeaders"],
        json!({"x-own": [{"key": "X-Own", "value": "1"}]})
    );
    let series = dicomweb("studies/1.2/series", "");
    assert_eq!(
        send_by(&reads(), series.clone()).headers,
        send(series).headers
    );
}

#[test]
fn metadata_is_unknown_where_it_is_off() {
    let answer = |uri: &str| {
        let mut asked = metadata("", json!(null));
        asked.uri = uri.to_owned();
        let (response, _) = refuse(asked);
        serde_json::to_value(response).unwrap()
    };
    let unknown = native_path().replace("getImageFrame", "getImageSet");
    let metadata = native_path().replace("getImageFrame", "getImageSetMetadata");
    assert_eq!(answer(&metadata)["status"], "404");
    assert_eq!(answer(&metadata), answer(&unknown));
}

#[test]
fn other_methods_are_refused() {
    for method in ["GET", "HEAD", "DELETE", "PUT", "OPTIONS", "post"] {
        let (response, _) = refuse(request(json!({"method": method})));
        assert_eq!(response.status, "405", "{method}");
        assert_eq!(response.headers["allow"][0].value, "POST");
    }
    let mut search = dicomweb("studies", "");
    search.method = "POST".to_owned();
    let (response, _) = refuse(search);
    assert_eq!(response.headers["allow"][0].value, "GET, HEAD");
}

#[test]
fn another_origin_is_refused() {
    let with = |key: &str, value: Value| {
        let mut origin = json!({"custom": {"domainName": NATIVE, "port": 443, "protocol": "https", "path": "", "customHeaders": {}}});
        origin["custom"][key] = value;
        origin
    };
    let header = |name: &str| json!({name: [{"key": name, "value": "x"}]});
    let mut two = with("path", json!(""));
    two["s3"] = json!({"domainName": NATIVE});
    for origin in [
        with("domainName", json!("evil.example")),
        with("domainName", json!(DICOMWEB)),
        with("protocol", json!("http")),
        with("protocol", Value::Null),
        with("path", json!("/x")),
        with("port", json!(8443)),
        with("customHeaders", header("X-Amz-Security-Token")),
        with("customHeaders", header("authorization")),
        two,
        json!({"custom": {"domainName": NATIVE}}),
        json!({"s3": {"domainName": NATIVE}}),
        json!({}),
        Value::Null,
    ] {
        let (response, body) = refuse(request(json!({"origin": origin})));
        assert_eq!(response.status, "502", "{origin}");
        assert_eq!(body["error"], "wrong_origin");
    }
    send(request(
        json!({"origin": with("customHeaders", header("x-frames"))}),
    ));
}

#[test]
fn one_host_is_sent() {
    let host = |value: &str| json!({"key": "Host", "value": value});
    let headers = json!({"host": [host(NATIVE), host("evil.example")], "content-type": [{"value": "application/json"}]});
    let sent = send(request(json!({"headers": headers})));
    let values: Vec<&str> = sent.headers["host"]
        .iter()
        .map(|header| header.value.as_str())
        .collect();
    assert_eq!(values, [NATIVE]);
}

#[test]
fn a_truncated_body_is_too_large() {
    let body = json!({"inputTruncated": true, "action": "read-only", "encoding": "base64", "data": FRAME_BASE64});
    let (response, body) = refuse(request(json!({"body": body})));
    assert_eq!(response.status, "413");
    assert_eq!(body["error"], "body_too_large");
}

#[test]
fn unreadable_requests_are_refused() {
    let body = |encoding: &str, data: &str| json!({"body": {"inputTruncated": false, "action": "read-only", "encoding": encoding, "data": data}});
    let content_type = |value: &str| json!({"headers": {"content-type": [{"value": value}]}});
    for (changes, class) in [
        (json!({"body": null}), "missing_body"),
        (body("base64", ""), "missing_body"),
        (body("base64", "%%%"), "invalid_request"),
        (body("rot13", "abc"), "invalid_request"),
        (json!({"querystring": "a=%zz"}), "invalid_request"),
        (json!({"querystring": "a=%FF"}), "invalid_request"),
        (json!({"querystring": "a=b#c"}), "invalid_request"),
        (
            json!({"querystring": "a=b&%58-Amz-Signature=00"}),
            "invalid_request",
        ),
        (content_type("a\nb"), "invalid_request"),
        (content_type("text/plain\t"), "invalid_request"),
        (content_type("text/é"), "invalid_request"),
        (
            json!({"headers": {"content-type": [{"value": "a/b"}, {"value": "c/d"}]}}),
            "invalid_request",
        ),
    ] {
        let (response, body) = refuse(request(changes.clone()));
        assert_eq!(response.status, "400", "{changes}");
        assert_eq!(body["error"], class, "{changes}");
        assert!(body["message"].as_str().is_some_and(|m| !m.is_empty()));
    }
}

#[test]
fn only_health_imaging_hosts_are_signed_for() {
    assert_eq!(check(&config()), Ok(()));
    for host in [
        "",
        "example.com",
        "s3.amazonaws.com",
        "medical-imaging.example.com",
        "evil.example/medical-imaging.amazonaws.com",
        "user@medical-imaging.us-east-1.amazonaws.com",
        "medical-imaging.us-east-1.amazonaws.com:8443",
        "medical-imaging.eu-west-1.amazonaws.com",
        "evil-medical-imaging.s3.eu-west-1.amazonaws.com",
        "medical-imaging.execute-api.eu-west-1.amazonaws.com",
        "runtime-medical-imaging.us-east-1.amazonaws.com",
        "dicom-medical-imaging.us-east-1.amazonaws.com",
        "runtime-medical-imaging.eu-west-1.amazonaws.com.cn",
        "runtime-medical-imaging.eu-west-1.api.aws",
        "runtime-medical-imaging.eu-west-1.amazonaws.com.",
        "x.runtime-medical-imaging.eu-west-1.amazonaws.com",
        "x-dicom-medical-imaging.eu-west-1.amazonaws.com",
    ] {
        let native = SignerConfig {
            native_host: host.to_owned(),
            ..config()
        };
        assert!(check(&native).unwrap_err().contains("nativeHost"), "{host}");
        let dicomweb = SignerConfig {
            dicomweb_host: Some(host.to_owned()),
            ..config()
        };
        assert!(
            check(&dicomweb).unwrap_err().contains("dicomwebHost"),
            "{host}"
        );
    }
    let swapped = SignerConfig {
        native_host: DICOMWEB.to_owned(),
        ..config()
    };
    assert!(check(&swapped).unwrap_err().contains("nativeHost"));
    let swapped = SignerConfig {
        dicomweb_host: Some(NATIVE.to_owned()),
        ..config()
    };
    assert!(check(&swapped).unwrap_err().contains("dicomwebHost"));
}

#[test]
fn a_region_is_one_label() {
    for region in ["", "eu-west-1.evil", "EU-WEST-1", "eu west", "eu-west-1/x"] {
        let odd = SignerConfig {
            region: region.to_owned(),
            native_host: format!("runtime-medical-imaging.{region}.amazonaws.com"),
            dicomweb_host: None,
            metadata: false,
            cached_reads: false,
            log_level: LogLevel::Warn,
        };
        assert!(check(&odd).unwrap_err().contains("region"), "{region}");
    }
}

#[test]
fn what_is_no_image_is_kept_by_nobody() {
    for (status, said) in [
        ("200", Some("max-age=60")),
        ("206", Some("max-age=60")),
        ("304", Some("max-age=60")),
        ("301", Some("no-store")),
        ("400", Some("no-store")),
        ("404", Some("no-store")),
        ("406", Some("no-store")),
        ("429", Some("no-store")),
        ("503", Some("no-store")),
    ] {
        let event = json!({
            "status": status, "statusDescription": "x",
            "headers": {"cache-control": [{"key": "cache-control", "value": "max-age=60"}],
                        "etag": [{"value": "e"}]},
        });
        let response: Response = serde_json::from_value(event).unwrap();
        let answer = answered(response.clone());
        let held = answer.headers["cache-control"].iter();
        let held: Vec<&str> = held.map(|header| header.value.as_str()).collect();
        assert_eq!(held, Vec::from_iter(said), "{status}");
        // All else is as it came, and no body takes the place of the origin's.
        assert_eq!(answer.headers["etag"], response.headers["etag"]);
        assert_eq!((&answer.status, answer.body), (&response.status, None));
    }
}
