//! What rows of access and the audit line add to a decision, in this process:
//! `cargo run --release --example access_cost`. The fastest tenth of rounds that take turns.
//! Ends with 1 where ten thousand ids cost more than they may.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/support/mod.rs"]
mod support;

use frames_authorizer::keys::Keys;
use frames_authorizer::{Decision, examine, prepare};
use frames_edge::access::{Access, Row};
use frames_edge::{AuthorizerConfig, Request};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use support::{Key, STUDIES, bearer, claims, config, now};

const ROUNDS: usize = 401;
const TIMES: u32 = 100;
const IDS: usize = 10_000;
const GROUPS: usize = 200;
const STORE: &str = "12345678901234567890123456789012";

/// What a decision with ten thousand ids may take of one without.
const MOST: f64 = 1.05;

/// A request, and the configurations that are held against each other.
struct Case {
    name: &'static str,
    request: Request,
    without: AuthorizerConfig,
    with: AuthorizerConfig,
    passes: bool,
    /// Whether it is held to `MOST`.
    is_bounded: bool,
}

fn study(i: usize) -> String {
    format!("1.2.840.113619.2.55.3.604688119.{}.{i}", i * 7919)
}

fn image_set(i: usize) -> String {
    // They differ from the first letters on, as such ids do.
    format!("{:08x}{i:024x}", i * 429_497)
}

/// Rows with so many ids, of two hundred departments.
fn rows(count: usize, id: fn(usize) -> String, naming: fn(Vec<String>) -> Row) -> Vec<Row> {
    let row = |group: usize| {
        let ids: Vec<String> = (group..count).step_by(GROUPS).map(id).collect();
        Row {
            groups: Some(vec![format!("department {group}")]),
            ..naming(ids)
        }
    };
    (0..GROUPS.min(count)).map(row).collect()
}

fn of_studies(ids: Vec<String>) -> Row {
    Row {
        groups: None,
        datastore: STORE.to_owned(),
        image_sets: None,
        studies: Some(ids),
    }
}

fn of_image_sets(ids: Vec<String>) -> Row {
    Row {
        groups: None,
        datastore: STORE.to_owned(),
        image_sets: Some(ids),
        studies: None,
    }
}

fn limited(access: &Value) -> AuthorizerConfig {
    config(json!({"algorithms": ["RS256"], "access": access}))
}

fn written(rows: &[Row]) -> Value {
    serde_json::to_value(Access::of(rows)).unwrap()
}

/// A study that is listed, and one that isn't; an image set; and the audit line.
fn cases(studies: &Value) -> Vec<Case> {
    let groups = ["radiology", "department 150", "department 7"];
    let token = Key::issuer().token(&claims(json!({"cognito:groups": groups})));
    let frame = |study: &str| {
        let mut request = bearer(&token);
        request.method = "GET".to_owned();
        request.uri = format!("{STUDIES}/{study}/series/1.3/instances/1.4/frames/1");
        request
    };
    let mut native = bearer(&token);
    // Of department 150, as is the study.
    let listed = 150 + 25 * GROUPS;
    native.uri = format!(
        "/datastore/{STORE}/imageSet/{}/getImageFrame",
        image_set(listed)
    );
    let plain = config(json!({"algorithms": ["RS256"]}));
    let audited = AuthorizerConfig {
        audit_claims: Some(vec!["sub".to_owned()]),
        ..plain.clone()
    };
    let case = |name, request, with| Case {
        name,
        request,
        without: plain.clone(),
        with,
        passes: true,
        is_bounded: true,
    };
    vec![
        case("study", frame(&study(listed)), limited(studies)),
        case(
            "imageSet",
            native,
            limited(&written(&rows(IDS, image_set, of_image_sets))),
        ),
        // Without rows nobody is refused: what it is held against is a refusal by one row, which
        // writes the same answer.
        Case {
            without: limited(&written(&rows(1, study, of_studies))),
            passes: false,
            ..case(
                "refused",
                frame("1.2.840.113619.2.55.3.604688119.5"),
                limited(studies),
            )
        },
        Case {
            is_bounded: false,
            ..case("audit", frame(&study(listed)), audited)
        },
    ]
}

/// Decides the same request some times, and tells what one decision took.
fn decided(case: &Case, config: &AuthorizerConfig, keys: &Keys) -> Duration {
    // A request is moved into the decision: its copy is no part of that.
    let requests: Vec<_> = (0..TIMES).map(|_| case.request.clone()).collect();
    let start = Instant::now();
    for request in requests {
        let (decision, grant) = examine(request, config, keys, now());
        assert_eq!(matches!(decision, Decision::Pass(_)), case.passes);
        let line = grant.map(|grant| grant.line("a-request-of-CloudFront=="));
        assert!(line.is_none_or(|line| !line.is_empty()));
    }
    start.elapsed() / TIMES
}

/// In microseconds, the fastest tenth: what else the machine does isn't the decision's.
fn fastest(mut taken: Vec<Duration>) -> f64 {
    taken.sort();
    taken[taken.len() / 10].as_secs_f64() * 1e6
}

fn main() -> ExitCode {
    let studies = written(&rows(IDS, study, of_studies));
    let text = studies.to_string();
    let cases = cases(&studies);
    let keys = prepare(&cases[0].without).unwrap();
    let mut taken: Vec<(Vec<Duration>, Vec<Duration>)> =
        cases.iter().map(|_| (vec![], vec![])).collect();
    for _ in 0..ROUNDS {
        for (case, (without, with)) in cases.iter().zip(&mut taken) {
            without.push(decided(case, &case.without, &keys));
            with.push(decided(case, &case.with, &keys));
        }
    }
    let mut reading = vec![];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let read: Access = serde_json::from_str(&text).unwrap();
        reading.push(start.elapsed());
        drop(read);
    }
    let mut told = json!({"ids": IDS, "start_us": fastest(reading), "bytes": text.len()});
    let mut is_within = true;
    for (case, (without, with)) in cases.iter().zip(taken) {
        let (without, with) = (fastest(without), fastest(with));
        let ratio = with / without;
        told[case.name] = json!({"without_us": without, "with_us": with, "ratio": ratio});
        if case.is_bounded && ratio > MOST {
            is_within = false;
            eprintln!(
                "{}: {with:.1} µs with {IDS} ids over {without:.1} µs without is {ratio:.3}, {MOST} at the most",
                case.name
            );
        }
    }
    println!("{told}");
    if is_within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
