//! What rows of access and the audit line add to a decision, in this process:
//! `cargo run --release --example access_cost`. The fastest tenth of rounds that take turns.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/support/mod.rs"]
mod support;

use frames_authorizer::{Decision, examine, prepare};
use frames_edge::AuthorizerConfig;
use frames_edge::access::{Access, Row};
use serde_json::json;
use std::time::{Duration, Instant};
use support::{Key, STUDIES, bearer, claims, config, now};

const ROUNDS: usize = 401;
const TIMES: u32 = 100;
const IDS: usize = 10_000;
const GROUPS: usize = 200;

/// Ten thousand studies, of two hundred departments.
fn rows() -> Vec<Row> {
    let studies = |group: usize| {
        let of_group = (group..IDS).step_by(GROUPS);
        let uid = |i: usize| format!("1.2.840.113619.2.55.3.604688119.{}.{i}", i * 7919);
        of_group.map(uid).collect()
    };
    let row = |group| Row {
        groups: Some(vec![format!("department {group}")]),
        datastore: "12345678901234567890123456789012".to_owned(),
        image_sets: None,
        studies: Some(studies(group)),
    };
    (0..GROUPS).map(row).collect()
}

fn main() {
    let rows = rows();
    let study = &rows[150].studies.as_ref().unwrap()[25];
    let access = serde_json::to_value(Access::of(&rows)).unwrap();
    let text = access.to_string();
    let plain = config(json!({"algorithms": ["RS256"]}));
    let limited = config(json!({"algorithms": ["RS256"], "access": access}));
    let audited = AuthorizerConfig {
        audit_claims: Some(vec!["sub".to_owned()]),
        ..plain.clone()
    };
    let groups = ["radiology", "department 150", "department 7"];
    let token = Key::issuer().token(&claims(json!({"cognito:groups": groups})));
    let mut request = bearer(&token);
    request.method = "GET".to_owned();
    request.uri = format!("{STUDIES}/{study}/series/1.3/instances/1.4/frames/1");

    let keys = prepare(&plain).unwrap();
    let configs = [&plain, &limited, &audited];
    let mut taken = [(); 3].map(|()| Vec::<Duration>::new());
    for _ in 0..ROUNDS {
        for (config, taken) in configs.iter().zip(&mut taken) {
            // A request is moved into the decision: its copy is no part of that.
            let requests: Vec<_> = (0..TIMES).map(|_| request.clone()).collect();
            let start = Instant::now();
            for request in requests {
                let (decision, grant) = examine(request, config, &keys, now());
                assert!(matches!(decision, Decision::Pass(_)));
                let line = grant.map(|grant| grant.line("a-request-of-CloudFront=="));
                assert!(line.is_none_or(|line| !line.is_empty()));
            }
            taken.push(start.elapsed() / TIMES);
        }
    }
    let [plain, limited, audited] = taken.map(|mut taken| {
        taken.sort();
        // The fastest tenth: what else the machine does isn't the decision's.
        taken[ROUNDS / 10].as_secs_f64() * 1e6
    });
    let mut reading = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let read: Access = serde_json::from_str(&text).unwrap();
        reading.push(start.elapsed());
        drop(read);
    }
    reading.sort();
    let reading = reading[ROUNDS / 10].as_secs_f64() * 1e6;
    println!(
        "{}",
        json!({
            "ids": IDS,
            "decision_us": plain,
            "with_access_us": limited,
            "access_ratio": limited / plain,
            "audited_us": audited,
            "audit_ratio": audited / plain,
            "start_us": reading,
            "bytes": text.len(),
        })
    );
}
