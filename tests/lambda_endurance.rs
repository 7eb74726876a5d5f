//! The functions under AWS's own Lambda emulator and Python runtime client when
//! things go on for long, or go wrong. The emulator is AWS's, but it isn't Lambda@Edge.

use crate::lambda::{FRAME, NATIVE_HOST, authorizer, signer, unpacked};
use crate::support::emulator::Lambda;
use crate::support::events::{origin_request, viewer_request};
use crate::support::process::{eventually, send};
use crate::support::tokens::Issuer;
use rustix::process::Signal;
use serde_json::{Value, json};

/// A function, an event that it takes, and what tells that it did.
struct Taken {
    lambda: Lambda,
    event: Value,
}

impl Taken {
    fn authorizer() -> Self {
        let issuer = Issuer::new();
        let bearer = format!("Bearer {}", issuer.token(json!({"exp": 4_000_000_000_u64})));
        let event = viewer_request("POST", FRAME, "a=1", &[("Authorization", &bearer)]);
        let lambda = authorizer(&issuer);
        Self { lambda, event }
    }

    fn signer() -> Self {
        let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
        let lambda = signer();
        Self { lambda, event }
    }

    fn both() -> [Self; 2] {
        [Self::authorizer(), Self::signer()]
    }

    /// One good event, which has to be answered by the request that goes on.
    fn take(&self) {
        let answer = self.lambda.invoke(&self.event);
        assert_eq!(answer["uri"], FRAME, "{answer}");
    }

    fn pid(&self) -> u32 {
        self.lambda.program().pid
    }
}

/// What CloudFront never sends.
const GARBAGE: [&str; 12] = [
    "null",
    "[]",
    "{}",
    "17",
    "\"text\"",
    r#"{"Records": []}"#,
    r#"{"Records": null}"#,
    r#"{"Records": [{"cf": {}}]}"#,
    r#"{"Records": [{"cf": {"config": {"eventType": "x", "requestId": "y"}, "request": {"method": 1, "uri": []}}}]}"#,
    r#"{"Records": [{"cf": {"config": {"eventType": "x", "requestId": "y"}, "request": {"method": "GET", "uri": "/", "headers": {"token": "s3cret"}}}}]}"#,
    r#"{"Records": [{"cf": {"config": {"eventType": "x", "requestId": "y"}, "request": {"method": "GET", "uri": "\ud800"}}}]}"#,
    r#"{"key1": "value1"}"#,
];

#[test]
fn ten_thousand_invocations_take_no_more_memory_than_a_thousand() {
    for taken in Taken::both() {
        let broken = viewer_request("POST", FRAME, "token=e30.e30.x", &[]);
        let run = |from: usize, to: usize| {
            for n in from..to {
                match n % 10 {
                    7 => assert_eq!(taken.lambda.invoke(&broken)["uri"], Value::Null),
                    8 => drop(taken.lambda.invoke_text(GARBAGE[n / 10 % GARBAGE.len()])),
                    _ => taken.take(),
                }
            }
        };
        run(0, 1_000);
        let (pid, early) = (taken.pid(), taken.lambda.program().resident_kb());
        run(1_000, 10_000);
        let late = taken.lambda.program().resident_kb();
        assert_eq!(taken.pid(), pid, "one sandbox for all of them");
        assert!(
            late <= early + 128,
            "{early} KB after 1,000, {late} KB after 10,000"
        );
    }
}

#[test]
fn garbage_is_an_error_and_the_next_event_is_answered() {
    for taken in Taken::both() {
        taken.take();
        let pid = taken.pid();
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let long = format!("{{\"Records\": \"{}\"}}", "s3cret".repeat(100_000));
        for garbage in GARBAGE
            .iter()
            .copied()
            .chain([deep.as_str(), long.as_str()])
        {
            let answer = taken.lambda.invoke_text(garbage);
            assert!(
                answer["errorType"].is_string(),
                "{:.200}: {answer}",
                garbage
            );
            assert!(!answer.to_string().contains("s3cret"), "{answer}");
        }
        taken.take();
        assert_eq!(taken.pid(), pid, "no error ends the process");
        assert!(!taken.lambda.log().contains("s3cret"));
    }
}

#[test]
fn a_killed_program_comes_back() {
    for taken in Taken::both() {
        taken.take();
        let first = taken.pid();
        send(first, Signal::KILL);
        // The invocation that meets the dead process may be lost with it.
        eventually("an answer after the kill", || {
            let answer = taken.lambda.invoke(&taken.event);
            (answer["uri"] == FRAME).then_some(())
        });
        assert_ne!(taken.pid(), first);
        taken.take();
    }
}

#[test]
fn a_time_out_ends_one_invocation_only() {
    let issuer = Issuer::new();
    let task = unpacked("signer", &issuer);
    let lambda = Lambda::start_with(task, &[("AWS_LAMBDA_FUNCTION_TIMEOUT", "2")]);
    let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
    assert_eq!(lambda.invoke(&event)["uri"], FRAME);
    lambda.survives_a_time_out(&event, Lambda::program);
}
