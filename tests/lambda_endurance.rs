//! The functions under AWS's own Lambda emulator when things go on for long, or go wrong:
//! those of the edge with AWS's Python runtime client, the reader as a runtime of its own,
//! with a HealthImaging of the test's. The emulator is AWS's, but it isn't Lambda@Edge.

use crate::lambda::{FRAME, NATIVE_HOST, authorizer, signer, unpacked};
use crate::support::emulator::{Lambda, TIME_OUT};
use crate::support::events::{origin_request, viewer_request};
use crate::support::process::{eventually, send};
use crate::support::reader::{self, Loopback};
use crate::support::tokens::Issuer;
use rustix::process::Signal;
use serde_json::{Value, json};

/// A function, an event that it takes, and what tells that it did.
struct Taken {
    lambda: Lambda,
    event: Value,
    /// An event that isn't one for it to take.
    other: Value,
    is_taken: fn(&[u8]) -> bool,
}

/// The request goes on.
fn goes_on(answer: &[u8]) -> bool {
    serde_json::from_slice::<Value>(answer).is_ok_and(|answer| answer["uri"] == FRAME)
}

/// The frame of [`Loopback`], behind what a function URL reads first.
fn is_the_frame(answer: &[u8]) -> bool {
    answer.ends_with(b"\0frame")
}

impl Taken {
    fn authorizer() -> Self {
        let issuer = Issuer::new();
        let bearer = format!("Bearer {}", issuer.token(json!({"exp": 4_000_000_000_u64})));
        let event = viewer_request("POST", FRAME, "a=1", &[("Authorization", &bearer)]);
        Self::at_the_edge(authorizer(&issuer), event)
    }

    fn signer() -> Self {
        let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
        Self::at_the_edge(signer(), event)
    }

    fn at_the_edge(lambda: Lambda, event: Value) -> Self {
        Self {
            lambda,
            event,
            other: viewer_request("POST", FRAME, "token=e30.e30.x", &[]),
            is_taken: goes_on,
        }
    }

    fn reader() -> Self {
        Self::reader_with(&[])
    }

    /// With more in its environment.
    fn reader_with(environment: &[(&str, &str)]) -> Self {
        let origin = Loopback::start().url();
        let endpoint = [("AWS_ENDPOINT_URL_MEDICAL_IMAGING", origin.as_str())];
        let environment = [&endpoint[..], environment].concat();
        Self {
            lambda: Lambda::start_program(crate::reader::task(), &environment),
            event: reader::frame(),
            other: reader::event("GET", "getImageSet", ""),
            is_taken: is_the_frame,
        }
    }

    fn all() -> [Self; 3] {
        [Self::authorizer(), Self::signer(), Self::reader()]
    }

    fn takes(&self, event: &Value) -> bool {
        (self.is_taken)(&self.lambda.invoke_bytes(&event.to_string()))
    }

    /// One good event, which has to be answered as it should.
    fn take(&self) {
        assert!(self.takes(&self.event), "{}", self.lambda.log());
    }

    fn pid(&self) -> u32 {
        self.lambda.program().pid
    }
}

/// What neither CloudFront nor a function URL ever sends.
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
    for taken in Taken::all() {
        let run = |from: usize, to: usize| {
            for n in from..to {
                match n % 10 {
                    7 => assert!(!taken.takes(&taken.other)),
                    8 => drop(taken.lambda.invoke_bytes(GARBAGE[n / 10 % GARBAGE.len()])),
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
    for taken in Taken::all() {
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
    for taken in Taken::all() {
        taken.take();
        let first = taken.pid();
        send(first, Signal::KILL);
        // The invocation that meets the dead process may be lost with it.
        eventually("an answer after the kill", || {
            taken.takes(&taken.event).then_some(())
        });
        assert_ne!(taken.pid(), first);
        taken.take();
    }
}

#[test]
fn a_time_out_ends_one_invocation_only() {
    let signer = Lambda::start_with(unpacked("signer", &Issuer::new()), &[TIME_OUT]);
    let event = origin_request("POST", FRAME, "", NATIVE_HOST, "{}");
    for taken in [
        Taken::at_the_edge(signer, event),
        Taken::reader_with(&[TIME_OUT]),
    ] {
        taken.take();
        taken
            .lambda
            .survives_a_time_out(&taken.event, taken.is_taken, Lambda::program);
        taken.take();
    }
}
