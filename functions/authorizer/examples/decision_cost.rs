//! What a decision costs over the one RSA verification in it, in this process:
//! `cargo run --release --example decision_cost`. Medians of rounds that take turns.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/support/mod.rs"]
mod support;

use frames_authorizer::{Decision, decide, prepare};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::json;
use std::time::Instant;
use support::{Key, bearer, claims, config, now};

const ROUNDS: usize = 41;
const TIMES: u32 = 200;

fn main() {
    let config = config(json!({"algorithms": ["RS256"]}));
    let keys = prepare(&config).unwrap();
    let token = Key::issuer().token(&claims(json!({})));
    let request = bearer(&token);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature)
            .unwrap();
    let (n, e) = Key::issuer().components();
    let key = RsaPublicKeyComponents { n, e };

    let mut whole = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..ROUNDS {
        // A request is moved into the decision: its copy is no part of that.
        let requests: Vec<_> = (0..TIMES).map(|_| request.clone()).collect();
        let start = Instant::now();
        for request in requests {
            let decision = decide(request, &config, &keys, now());
            assert!(matches!(decision, Decision::Pass(_)));
        }
        whole.push(start.elapsed() / TIMES);
        let start = Instant::now();
        for _ in 0..TIMES {
            key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
                .unwrap();
        }
        bare.push(start.elapsed() / TIMES);
    }
    whole.sort();
    bare.sort();
    let (whole, bare) = (whole[ROUNDS / 2], bare[ROUNDS / 2]);
    let ratio = whole.as_secs_f64() / bare.as_secs_f64();
    println!(
        "{}",
        json!({"decision_us": whole.as_secs_f64() * 1e6, "rsa_us": bare.as_secs_f64() * 1e6, "ratio": ratio})
    );
}
