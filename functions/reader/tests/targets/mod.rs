//! What is asked of any bytes as a function URL's event, and as the head of HealthImaging's
//! answer. Run by `corpora.rs` beside this folder and by the fuzz target of the same name.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use frames_edge::operation::is_id;
use frames_edge::{LogLevel, ReaderConfig};
use frames_reader::answer::{Refusal, begun};
use frames_reader::question::{Asks, Event, Question};
use frames_reader::{Credentials, request};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use std::time::UNIX_EPOCH;

const NATIVE: &str = "runtime-medical-imaging.eu-west-1.amazonaws.com";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "session/token+with=signs";

pub(crate) fn config(metadata: bool) -> ReaderConfig {
    ReaderConfig {
        region: "eu-west-1".to_owned(),
        native_host: NATIVE.to_owned(),
        metadata,
        log_level: LogLevel::Warn,
    }
}

/// Prelude and body of an answer that has been made whole.
pub(crate) fn parted(answer: &[u8]) -> (Value, &[u8]) {
    let end = answer.windows(8).position(|it| it == [0; 8]).unwrap();
    let prelude = serde_json::from_slice(&answer[..end]).unwrap();
    (prelude, &answer[end + 8..])
}

/// Any bytes as an event: a read of one image set, or a refusal that nobody keeps.
pub(crate) fn questions(bytes: &[u8]) {
    let Ok(event) = Event::read(bytes) else {
        return;
    };
    if let Some(id) = event.request_id() {
        assert!(id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()));
    }
    for metadata in [false, true] {
        let config = config(metadata);
        match Question::of(&event, config.served()) {
            Ok(question) => asked(&question, &config),
            Err(refusal) => refused(refusal),
        }
    }
}

fn asked(question: &Question, config: &ReaderConfig) {
    let steps: Vec<&str> = question.path.split('/').collect();
    let ["", "datastore", store, "imageSet", set, read] = steps[..] else {
        panic!("{}", question.path);
    };
    assert!(is_id(store) && is_id(set), "{}", question.path);
    let session = Some(SESSION.to_owned());
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET, session, None, "test");
    let address = format!("https://{NATIVE}");
    let sent = request::signed(question, &address, config, &credentials, UNIX_EPOCH).unwrap();
    assert_eq!(
        (sent.method().as_str(), sent.uri().host()),
        ("POST", Some(NATIVE))
    );
    assert_eq!(sent.uri().path(), question.path);
    assert_eq!(sent.headers()["host"], NATIVE);
    match &question.asks {
        Asks::Frame { id } => {
            assert!(is_id(id) && read == "getImageFrame", "{question:?}");
            assert_eq!(sent.uri().query(), None);
        }
        Asks::Metadata { query } => {
            assert!(
                read == "getImageSetMetadata" && config.metadata,
                "{question:?}"
            );
            let version = query.strip_prefix("version=").unwrap_or("1");
            assert!(version.parse::<u32>().unwrap() > 0, "{query}");
            assert_eq!(sent.uri().query().unwrap_or_default(), query);
        }
    }
}

fn refused(refusal: Refusal) {
    let answer = refusal.answer();
    let (prelude, body) = parted(&answer);
    let body_length = body.len().to_string();
    assert_eq!(prelude["statusCode"], refusal.status().as_u16());
    assert!(refusal.status().is_client_error(), "{refusal:?}");
    assert_eq!(prelude["headers"]["cache-control"], "no-store");
    assert_eq!(prelude["headers"]["content-length"], body_length);
    let body: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(body["error"], refusal.class());
}

/// Any bytes as a status and a head, one line for each header: the prelude says the same,
/// and ends where it should.
pub(crate) fn heads(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().and_then(|it| std::str::from_utf8(it).ok());
    let status = first.and_then(|text| text.parse().ok());
    let status = status.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let mut head = HeaderMap::new();
    for line in lines {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            head.append(name, value);
        }
    }
    let is_bounded = head.contains_key("content-length") || head.contains_key("transfer-encoding");
    let Ok(begun) = begun(status, &head) else {
        assert!(!is_bounded, "{head:?}");
        return;
    };
    assert!(is_bounded, "{head:?}");
    let (prelude, rest) = parted(&begun);
    assert!(rest.is_empty());
    assert_eq!(prelude["statusCode"], status.as_u16());
    for (name, value) in prelude["headers"].as_object().unwrap() {
        if name != "cache-control" {
            assert_eq!(head[name], value.as_str().unwrap(), "{name}");
        }
    }
    let kept = prelude["headers"]["cache-control"] != "no-store";
    assert_eq!(kept, status == StatusCode::OK, "{status}");
}
