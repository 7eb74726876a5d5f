//! What is asked of any bytes as a request to be signed, and as an event. Run by
//! `corpora.rs` beside this folder and by the fuzz targets of the same names.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frames_edge::{Event, LogLevel, Operation, Request, SignerConfig};
use frames_signer::{Credentials, Outcome, sign};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NATIVE: &str = "runtime-medical-imaging.eu-west-1.amazonaws.com";
const DICOMWEB: &str = "dicom-medical-imaging.eu-west-1.amazonaws.com";
const REQUEST_ID: &str = "MRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE==";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "session/token+with=signs";
/// 2026-11-22T09:08:07Z
const NOW: u64 = 1_795_338_487;
const DATE: &str = "20261122T090807Z";

fn config() -> SignerConfig {
    SignerConfig {
        region: "eu-west-1".to_owned(),
        native_host: NATIVE.to_owned(),
        dicomweb_host: Some(DICOMWEB.to_owned()),
        metadata: true,
        cached_reads: false,
        log_level: LogLevel::Warn,
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn outcome(request: Request) -> Outcome {
    let session = Some(SESSION.to_owned());
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET, session, None, "test");
    sign(request, REQUEST_ID, &config(), &credentials, now())
}

/// Any bytes as an event: an answer that CloudFront takes, or a request with
/// this signer's own signature and nobody else's.
pub(crate) fn events(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else {
        return;
    };
    for record in event.records {
        check(record.cf.request);
    }
}

/// Any bytes as path, query, content type and body, one line for each but the last.
pub(crate) fn canonical_requests(bytes: &[u8]) {
    let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (uri, query, kind) = (text(line()), text(line()), text(line()));
    let asked = Operation::parse(&uri, config().served()).map(|operation| operation.kind());
    let method = asked.map_or("GET", |asked| asked.methods(config().served())[0]);
    let host = if asked.is_ok_and(|asked| asked.is_dicomweb()) {
        DICOMWEB
    } else {
        NATIVE
    };
    let request = json!({
        "method": method,
        "uri": uri,
        "querystring": query,
        "headers": {
            "host": [{"key": "Host", "value": "frames.example.org"}],
            "content-type": [{"key": "Content-Type", "value": kind}],
        },
        "body": {"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": STANDARD.encode(line())},
        "origin": {"custom": {"domainName": host, "port": 443, "protocol": "https", "path": ""}},
    });
    check(serde_json::from_value(request).unwrap());
}

fn check(came: Request) {
    let sent = match outcome(came.clone()) {
        Outcome::Send(sent) => *sent,
        Outcome::Refuse(response, class) => {
            let status: u16 = response.status.parse().unwrap();
            assert!([400, 404, 405, 413, 414, 502].contains(&status), "{class}");
            assert_eq!(response.headers["cache-control"][0].value, "no-store");
            return;
        }
    };
    let operation = Operation::parse(&sent.uri, config().served()).unwrap();
    assert_eq!(operation.path(), sent.uri);
    for (name, values) in &sent.headers {
        let name = name.to_ascii_lowercase();
        let ours = [
            "authorization",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-content-sha256",
        ];
        let signed = ours.contains(&name.as_str());
        assert!(
            signed || !name.starts_with("x-amz-"),
            "{name} of the viewer"
        );
        assert!(!signed || values.len() == 1, "{name} twice");
    }
    let host = if operation.kind().is_dicomweb() {
        DICOMWEB
    } else {
        NATIVE
    };
    assert_eq!(sent.header("host"), Some(host));
    assert_eq!(
        sent.header("authorization"),
        Some(authorization(&sent, host).as_str()),
        "{sent:?}"
    );
}

/// Signature Version 4 written down a second time, as AWS's user guide tells it.
fn authorization(sent: &Request, host: &str) -> String {
    let body = match &sent.body {
        None => Vec::new(),
        Some(body) if body.encoding == "text" => body.data.clone().into_bytes(),
        Some(body) => STANDARD.decode(&body.data).unwrap(),
    };
    let hash = hex(&Sha256::digest(&body));
    let mut headers = vec![
        ("host", host.to_owned()),
        ("x-amz-cf-id", REQUEST_ID.to_owned()),
        ("x-amz-content-sha256", hash.clone()),
        ("x-amz-date", DATE.to_owned()),
        ("x-amz-security-token", SESSION.to_owned()),
    ];
    if let Some(kinds) = sent
        .headers
        .get("content-type")
        .filter(|kinds| !kinds.is_empty())
    {
        let kinds: Vec<String> = kinds.iter().map(|kind| trimmed(&kind.value)).collect();
        headers.insert(0, ("content-type", kinds.join(",")));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{hash}",
        sent.method,
        encoded(&sent.uri, true),
        canonical_query(&sent.querystring),
    );
    let scope = "20261122/eu-west-1/medical-imaging/aws4_request";
    let text = format!(
        "AWS4-HMAC-SHA256\n{DATE}\n{scope}\n{}",
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let key = scope
        .split('/')
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
            mac(&key, part)
        });
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={}",
        hex(&mac(&key, &text))
    )
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                encoded(&decoded(name), false),
                encoded(&decoded(value), false),
            )
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// A `+` is a space in a query, as HealthImaging's own SDKs never write one.
fn decoded(text: &str) -> String {
    let text = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(&text[at + 1..at + 3]).unwrap();
                out.push(u8::from_str_radix(digits, 16).unwrap());
                at += 2;
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap()
}

fn encoded(text: &str, path: bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            b'/' if path => "/".to_owned(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Spaces around a header's value go, and several in a row become one.
fn trimmed(value: &str) -> String {
    let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
