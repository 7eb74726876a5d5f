//! What signing costs over the bare hashes and HMACs in it, in this process:
//! `cargo run --release --example signing_cost`. Medians of rounds that take turns.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use frames_edge::{LogLevel, Request, SignerConfig};
use frames_signer::{Credentials, Outcome, sign};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

const ROUNDS: usize = 41;
const TIMES: u32 = 500;
const HOST: &str = "runtime-medical-imaging.us-east-1.amazonaws.com";
const PATH: &str = "/datastore/12345678901234567890123456789012/imageSet/aaaabbbbccccddddeeeeffff00001111/getImageFrame";
const BODY: &str = r#"{"imageFrameId":"0123456789abcdef0123456789abcdef"}"#;
const REQUEST_ID: &str = "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==";

fn main() {
    let config = SignerConfig {
        region: "us-east-1".to_owned(),
        native_host: HOST.to_owned(),
        dicomweb_host: None,
        metadata: false,
        cached_reads: false,
        log_level: LogLevel::Warn,
    };
    let token = Some("t".repeat(600));
    let credentials = Credentials::new("ASIAEXAMPLE", "s".repeat(40), token, None, "bench");
    let now = UNIX_EPOCH + Duration::from_secs(1_795_338_487);
    let request: Request = serde_json::from_value(json!({
        "clientIp": "203.0.113.178", "method": "POST", "uri": PATH, "querystring": "",
        "headers": {
            "host": [{"key": "Host", "value": HOST}],
            "content-type": [{"key": "Content-Type", "value": "application/json"}],
            "accept": [{"key": "Accept", "value": "image/jph"}],
        },
        "body": {"inputTruncated": false, "action": "read-only", "encoding": "base64", "data": STANDARD.encode(BODY)},
        "origin": {"custom": {"domainName": HOST, "protocol": "https"}},
    }))
    .unwrap();

    let mut whole = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        let requests: Vec<_> = (0..TIMES).map(|_| request.clone()).collect();
        let start = Instant::now();
        for request in requests {
            let outcome = sign(request, REQUEST_ID, &config, &credentials, now);
            assert!(matches!(outcome, Outcome::Send(_)));
        }
        whole.push(start.elapsed() / TIMES);
        let start = Instant::now();
        for _ in 0..TIMES {
            black_box(hmacs());
        }
        bare.push(start.elapsed() / TIMES);
    }
    whole.sort();
    bare.sort();
    let (whole, bare) = (whole[ROUNDS / 2], bare[ROUNDS / 2]);
    let ratio = whole.as_secs_f64() / bare.as_secs_f64();
    println!(
        "{}",
        json!({"signing_us": whole.as_secs_f64() * 1e6, "hmacs_us": bare.as_secs_f64() * 1e6, "ratio": ratio})
    );
}

/// Two hashes and five HMACs over as many bytes as a signature has to take in.
fn hmacs() -> Vec<u8> {
    let body = Sha256::digest(black_box(BODY.as_bytes()));
    let canonical = Sha256::digest(black_box([b'c'; 1100]));
    let parts: [&[u8]; 5] = [
        b"20261122",
        b"us-east-1",
        b"medical-imaging",
        b"aws4_request",
        &[b's'; 140],
    ];
    let mut key = black_box([b's'; 44]).to_vec();
    for part in parts {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(black_box(part));
        key = mac.finalize().into_bytes().to_vec();
    }
    key.extend_from_slice(&body);
    key.extend_from_slice(&canonical);
    key
}
